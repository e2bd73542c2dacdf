#include "base/bytes.h"

#include <algorithm>

namespace gw {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

template <class T>
void put(Bytes& to, T value) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8)
    to.push_back(static_cast<std::byte>((value >> shift) & 0xff));
}

template <class T>
T join(ByteView from) {
  T value = 0;
  for (std::byte b : from) value = static_cast<T>((value << 8) | std::to_integer<T>(b));
  return value;
}

}  // namespace

std::string to_hex(ByteView bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (std::byte b : bytes) {
    text += kDigits[std::to_integer<unsigned>(b) >> 4];
    text += kDigits[std::to_integer<unsigned>(b) & 15];
  }
  return text;
}

// An odd number of digits fails here too: the other from_hex() rounds the size down, so the sizes
// differ.
bool from_hex(std::string_view text, std::span<std::byte> to) {
  if (text.size() != to.size() * 2) return false;
  for (std::size_t i = 0; i < to.size(); ++i) {
    const int high = hex_value(text[2 * i]);
    const int low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    to[i] = static_cast<std::byte>(high * 16 + low);
  }
  return true;
}

std::optional<Bytes> from_hex(std::string_view text) {
  Bytes bytes(text.size() / 2);
  if (!from_hex(text, bytes)) return std::nullopt;
  return bytes;
}

ByteWriter& ByteWriter::u8(std::uint8_t value) {
  data_.push_back(static_cast<std::byte>(value));
  return *this;
}
ByteWriter& ByteWriter::u16(std::uint16_t value) {
  put(data_, value);
  return *this;
}
ByteWriter& ByteWriter::u32(std::uint32_t value) {
  put(data_, value);
  return *this;
}
ByteWriter& ByteWriter::u64(std::uint64_t value) {
  put(data_, value);
  return *this;
}
ByteWriter& ByteWriter::bytes(ByteView value) {
  append(data_, value);
  return *this;
}

ByteView ByteReader::bytes(std::size_t count) {
  // The failure is permanent, so that a caller can read a whole layout and check once at the end: a
  // field of the right size after a truncated one must not be read.
  if (!ok_ || rest_.size() < count) {
    ok_ = false;
    return {};
  }
  const ByteView taken = rest_.first(count);
  rest_ = rest_.subspan(count);
  return taken;
}
std::uint8_t ByteReader::u8() {
  return join<std::uint8_t>(bytes(1));
}
std::uint16_t ByteReader::u16() {
  return join<std::uint16_t>(bytes(2));
}
std::uint32_t ByteReader::u32() {
  return join<std::uint32_t>(bytes(4));
}
std::uint64_t ByteReader::u64() {
  return join<std::uint64_t>(bytes(8));
}

bool ByteReader::copy(std::span<std::byte> to) {
  const ByteView from = bytes(to.size());
  if (!ok_) return false;
  std::copy(from.begin(), from.end(), to.begin());
  return true;
}

}  // namespace gw

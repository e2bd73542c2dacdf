// Octets, and the fixed big-endian layouts that everything signed, hashed or keyed is made of.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gw {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

// Views of the same octets; they live as long as what they view.
inline ByteView as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline unsigned char* as_uchar(std::byte* at) {
  return reinterpret_cast<unsigned char*>(at);
}
inline const unsigned char* as_uchar(const std::byte* at) {
  return reinterpret_cast<const unsigned char*>(at);
}

inline Bytes to_bytes(ByteView view) {
  return {view.begin(), view.end()};
}
inline Bytes to_bytes(std::string_view text) {
  return to_bytes(as_bytes(text));
}
inline void append(Bytes& to, ByteView more) {
  to.insert(to.end(), more.begin(), more.end());
}
inline bool equal(ByteView a, ByteView b) {
  return as_text(a) == as_text(b);
}

std::string to_hex(ByteView bytes);                             // lower case
std::optional<Bytes> from_hex(std::string_view text);           // either case; none unless all is hex
bool from_hex(std::string_view text, std::span<std::byte> to);  // false unless it fills `to` exactly

// Appends integers big-endian and octets as they are.
class ByteWriter {
 public:
  ByteWriter& u8(std::uint8_t value);
  ByteWriter& u16(std::uint16_t value);
  ByteWriter& u32(std::uint32_t value);
  ByteWriter& u64(std::uint64_t value);
  ByteWriter& bytes(ByteView value);
  ByteWriter& text(std::string_view value) { return bytes(as_bytes(value)); }
  const Bytes& data() const { return data_; }
  Bytes take() { return std::move(data_); }

 private:
  Bytes data_;
};

// Reads what ByteWriter wrote. Past the end every read gives zeros and ok() turns false for good.
class ByteReader {
 public:
  explicit ByteReader(ByteView data) : rest_(data) {}
  std::uint8_t u8();
  std::uint16_t u16();
  std::uint32_t u32();
  std::uint64_t u64();
  ByteView bytes(std::size_t count);  // a view into the data; empty when there is not so much
  bool copy(std::span<std::byte> to);
  bool ok() const { return ok_; }
  bool done() const { return ok_ && rest_.empty(); }  // all read and nothing left over
  ByteView rest() const { return rest_; }

 private:
  ByteView rest_;
  bool ok_ = true;
};

}  // namespace gw

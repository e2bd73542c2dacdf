// Byte strings: conversions between bytes and text, hex, and fixed big-endian layouts.
//
// Everything that gw signs, hashes or derives a key from is laid out with ByteWriter, so that the
// same values always have the same bytes.
//
//   ByteWriter out;
//   out.u8(1).u64(time).bytes(id.view());
//   ByteReader in(out.data());
//   const auto version = in.u8();
//   const auto when = in.u64();
//   const ByteView id = in.bytes(16);
//   if (!in.done()) return Error(Code::Corrupt, "…");
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

// These functions reinterpret the same memory. A returned view is valid as long as its argument.
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
// Appends a copy of `more`, which must not be part of `to`.
inline void append(Bytes& to, ByteView more) {
  to.insert(to.end(), more.begin(), more.end());
}
// Compares the contents. The time depends on them: for secrets, use equal_secrets()
// (base/secret.h).
inline bool equal(ByteView a, ByteView b) {
  return as_text(a) == as_text(b);
}

// Returns two lower-case hex digits for each byte.
std::string to_hex(ByteView bytes);
// Returns nullopt unless `text` is an even number of hex digits. Accepts both cases.
std::optional<Bytes> from_hex(std::string_view text);
// Decodes into `to`. Returns false unless `text` is exactly two hex digits for each byte of `to`,
// whose content is then unspecified.
bool from_hex(std::string_view text, std::span<std::byte> to);

// Builds a byte string. Integers are written big-endian and bytes unchanged, without any length or
// padding: a layout with fields of variable length must write their lengths itself. Calls can be
// chained.
class ByteWriter {
 public:
  ByteWriter& u8(std::uint8_t value);
  ByteWriter& u16(std::uint16_t value);
  ByteWriter& u32(std::uint32_t value);
  ByteWriter& u64(std::uint64_t value);
  ByteWriter& bytes(ByteView value);
  ByteWriter& text(std::string_view value) { return bytes(as_bytes(value)); }
  const Bytes& data() const { return data_; }
  // Moves the result out and leaves the writer empty.
  Bytes take() { return std::move(data_); }

 private:
  Bytes data_;
};

// Reads the layouts that ByteWriter writes. A read past the end returns zero or an empty view, and
// from then on ok() is false and every further read does the same. So a caller can read a whole
// layout and check once, with done(), at the end. The data must outlive the reader and all views
// that it returns.
class ByteReader {
 public:
  explicit ByteReader(ByteView data) : rest_(data) {}
  std::uint8_t u8();
  std::uint16_t u16();
  std::uint32_t u32();
  std::uint64_t u64();
  // Returns a view of the next `count` bytes; empty if fewer are left.
  ByteView bytes(std::size_t count);
  // Fills all of `to`. Returns false, and leaves `to` unchanged, if fewer bytes are left.
  bool copy(std::span<std::byte> to);
  bool ok() const { return ok_; }
  // Returns true if no read failed and no bytes are left over.
  bool done() const { return ok_ && rest_.empty(); }
  ByteView rest() const { return rest_; }

 private:
  ByteView rest_;
  bool ok_ = true;
};

}  // namespace gw

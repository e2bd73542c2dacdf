#include "mime/encoding.h"

#include <algorithm>

#include "base/text.h"

namespace gw::mime {
namespace {

// White space at the end of a quoted-printable line is padding and held back until the line ends. A
// line has at most 998 characters (RFC 5322 section 2.1.1), so longer runs are content.
constexpr std::size_t kMaxHeld = 998;

int base64_value(std::byte byte) {
  const char c = static_cast<char>(byte);
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool blank(char c) {
  return c == ' ' || c == '\t';
}

}  // namespace

Encoding parse_encoding(std::string_view value) {
  value = trim(value);
  value = value.substr(0, value.find_first_of(" \t;("));
  if (iequals(value, "base64")) return Encoding::Base64;
  if (iequals(value, "quoted-printable")) return Encoding::QuotedPrintable;
  return Encoding::Identity;
}

void Decoder::write(ByteView piece, Bytes& out) {
  switch (encoding_) {
    case Encoding::Identity:
      append(out, piece);
      break;
    case Encoding::Base64:
      for (const std::byte byte : piece) base64(byte, out);
      break;
    case Encoding::QuotedPrintable:
      for (const std::byte byte : piece) quoted_printable(static_cast<char>(byte), out);
      break;
  }
}

void Decoder::finish(Bytes& out) {
  // A `=` as the last byte is a soft line break, and white space at the end is padding: both are
  // dropped. An escape that was cut off and a held-back CR are content.
  const bool escape = held_.starts_with('=');
  if (escape ? held_.size() == 2 && hex_value(held_[1]) >= 0 : held_.ends_with('\r')) release(out);
  held_.clear();
  bit_count_ = 0;
}

void Decoder::base64(std::byte byte, Bytes& out) {
  // Padding ends a group; its unused bits are dropped. More base64 may follow: some gateways join
  // encoded pieces.
  if (byte == std::byte{'='}) bit_count_ = 0;
  const int value = base64_value(byte);
  if (value < 0) return;
  bits_ = (bits_ << 6U | static_cast<unsigned>(value)) & 0xffffU;
  bit_count_ += 6;
  if (bit_count_ < 8) return;
  bit_count_ -= 8;
  out.push_back(static_cast<std::byte>(bits_ >> bit_count_ & 0xffU));
}

// held_ has one of these forms: empty; `=`; `=` and one hex digit; or white space, with an optional
// `=` before and an optional CR after it.
void Decoder::quoted_printable(char c, Bytes& out) {
  if (!held_.empty() && take_held(c, out)) return;
  if (c == '=' || blank(c))
    held_ = c;
  else
    out.push_back(static_cast<std::byte>(c));
}

// Decides about the held-back bytes by the next byte `c`. Returns true if `c` was used up.
// Otherwise held_ is empty, and `c` must be treated as if nothing had been held back.
bool Decoder::take_held(char c, Bytes& out) {
  const bool escape = held_.front() == '=';
  if (escape && held_.size() == 2 && hex_value(held_[1]) >= 0) {
    if (const int low = hex_value(c); low >= 0) {
      out.push_back(static_cast<std::byte>(hex_value(held_[1]) << 4 | low));
      held_.clear();
      return true;
    }
  } else if (c == '\n') {
    // After a soft line break (`=` at the end of the line) nothing is written. Otherwise the line
    // ending remains and the padding before it is dropped (RFC 2045 section 6.7, rule 3).
    if (!escape) {
      if (held_.back() == '\r') out.push_back(std::byte{'\r'});
      out.push_back(std::byte{'\n'});
    }
    held_.clear();
    return true;
  } else if (held_.back() != '\r' && held_.size() < kMaxHeld) {
    if (blank(c) || c == '\r' || (held_ == "=" && hex_value(c) >= 0)) {
      held_ += c;
      return true;
    }
  }
  release(out);
  return false;
}

void Decoder::release(Bytes& out) {
  append(out, as_bytes(held_));
  held_.clear();
}

Bytes decode(Encoding encoding, ByteView data) {
  Decoder decoder(encoding);
  Bytes out;
  decoder.write(data, out);
  decoder.finish(out);
  return out;
}

bool looks_like_base64(ByteView data) {
  return std::ranges::all_of(data, [](std::byte byte) {
    const char c = static_cast<char>(byte);
    return base64_value(byte) >= 0 || c == '=' || blank(c) || c == '\r' || c == '\n';
  });
}

}  // namespace gw::mime

// Content-Transfer-Encodings (RFC 2045 section 6), undone as a stream.
//
// Tolerant, as mail needs it: what is not in the base64 alphabet is passed over, data may go on behind
// padding, and an escape that is none stays as it stands. Memory is bounded by the piece given.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace gw::mime {

enum class Encoding : unsigned char {
  Identity,  // 7bit, 8bit, binary, and anything that we do not know
  Base64,
  QuotedPrintable,
};

// From the value of a Content-Transfer-Encoding field.
Encoding parse_encoding(std::string_view value);

class Decoder {
 public:
  explicit Decoder(Encoding encoding) : encoding_(encoding) {}

  // Appends to `out` what `piece` decodes to, cut anywhere.
  void write(ByteView piece, Bytes& out);
  // Appends what was held back.
  void finish(Bytes& out);

 private:
  void base64(std::byte octet, Bytes& out);
  void quoted_printable(char c, Bytes& out);
  bool take_held(char c, Bytes& out);
  void release(Bytes& out);

  Encoding encoding_;
  unsigned bits_ = 0;
  unsigned bit_count_ = 0;
  std::string held_;  // octets of quoted-printable whose meaning hangs on what follows
};

Bytes decode(Encoding encoding, ByteView octets);

// Whether octets that are labelled base64 can be it: nothing but the alphabet, padding and white space.
bool looks_like_base64(ByteView octets);

}  // namespace gw::mime

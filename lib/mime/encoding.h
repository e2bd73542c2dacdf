// Decodes Content-Transfer-Encodings (RFC 2045 section 6), as a stream.
//
// The decoder accepts faulty mail: it skips characters outside the base64 alphabet, continues after
// base64 padding, and copies malformed quoted-printable escapes unchanged. It never fails and holds
// back at most a thousand bytes.
//
//   Decoder decoder(parse_encoding(value));
//   decoder.write(piece, out); ...    // pieces may be cut anywhere
//   decoder.finish(out);
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace gw::mime {

enum class Encoding : unsigned char {
  Identity,  // 7bit, 8bit, binary, and every unknown name
  Base64,
  QuotedPrintable,
};

// Parses the value of a Content-Transfer-Encoding field. Ignores case and comments after the name.
Encoding parse_encoding(std::string_view value);

class Decoder {
 public:
  explicit Decoder(Encoding encoding) : encoding_(encoding) {}

  // Decodes more of the text and appends the result to `out`.
  void write(ByteView piece, Bytes& out);
  // Ends the text: appends held-back bytes that are content, and drops an incomplete base64 group.
  void finish(Bytes& out);

 private:
  void base64(std::byte byte, Bytes& out);
  void quoted_printable(char c, Bytes& out);
  bool take_held(char c, Bytes& out);
  void release(Bytes& out);

  Encoding encoding_;
  unsigned bits_ = 0;
  unsigned bit_count_ = 0;
  std::string held_;  // bytes of quoted-printable whose meaning depends on the next ones
};

// Decodes a whole text.
Bytes decode(Encoding encoding, ByteView data);

// Returns true if the bytes are only base64 characters, padding and white space. Some senders label
// plain text as base64; this finds them out.
bool looks_like_base64(ByteView data);

}  // namespace gw::mime

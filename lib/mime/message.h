// Finds the parts of a message (RFC 2045, RFC 2046), as ranges of its bytes.
//
//   Result<Structure> structure = walk(source, [](const Part& part) { return part.multipart(); });
//   for (const Part& part : structure->parts) ...
//
// A walk reads a message once, from start to end, and returns offsets. It decodes, copies and
// rebuilds nothing, so a range holds exactly the bytes that the sender wrote. It understands
// delimiters and the two header fields that define how a part is built (Content-Type and
// Content-Transfer-Encoding).
//
// The time is linear for any input and the memory is bounded. When a limit is exceeded, the walk
// continues without examining the part closer, and sets Structure::limit_reached.
//
// A delimiter counts only at the start of a line. It belongs to the innermost open multipart with
// this boundary, and ends everything within that multipart (RFC 2046 section 5.1.2). The line
// ending before a delimiter belongs to the delimiter, not to the part.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mail/header.h"
#include "mime/encoding.h"
#include "mime/source.h"

namespace gw::mime {

struct Limits {
  std::size_t depth = 100;           // nesting of parts
  std::size_t parts = 10'000;        // parts of the message; later ones are not reported
  std::size_t field = 256 << 10;     // bytes of one header field; the rest is ignored
  std::size_t header = 1 << 20;      // bytes of one header; a part with more is opaque
  std::size_t fields = 10'000;       // fields of one header; a part with more is opaque
  std::size_t read_size = 64 << 10;  // bytes read from the source at a time
};

struct Part {
  std::size_t parent = 0;  // index in Structure::parts; the message itself has 0, its own index
  std::size_t depth = 0;   // number of parts around this one
  std::size_t level = 0;   // attached mails around this one; 0 for the message's own parts
  Range header;            // with the empty line after it
  Range body;              // without the line ending that belongs to the next delimiter
  // Type and subtype in lower case, as `text/plain`. If the part has none, the default of RFC 2045
  // section 5.2 or RFC 2046 section 5.1.5; `application/octet-stream` if its header exceeds a
  // limit.
  std::string type;
  std::string charset;                     // verbatim; empty if there is none
  Encoding encoding = Encoding::Identity;  // has no meaning for a multipart (RFC 2045 section 6.4)

  bool multipart() const { return type.starts_with("multipart/"); }
  // Returns true if the body is a mail: message/rfc822, or message/global (RFC 6532).
  bool message() const { return type == "message/rfc822" || type == "message/global"; }
};

struct Structure {
  std::vector<Part> parts;  // in the order of their headers, so each after its parent
  bool limit_reached = false;
  std::uint64_t steps = 0;  // bytes and boundaries examined; the time is proportional to it
};

// Decides for each multipart, and for each attached mail that is not encoded, whether the walk
// enters it. A body that is not entered is only searched for the delimiters of the multiparts
// around it.
using Descend = std::function<bool(const Part&)>;

// Walks the message. Fails only if the source cannot be read.
Result<Structure> walk(Source& source, const Descend& descend, const Limits& limits = {});
// Does the same and enters everything.
Result<Structure> walk(Source& source, const Limits& limits = {});

// Reads the fields of these names from the header that starts at `range.offset` and ends at the
// latest with the range. Fails only if the source cannot be read.
Result<mail::HeaderWalker> read_header(Source& source, Range range, std::vector<std::string> names,
                                       const Limits& limits = {});

}  // namespace gw::mime

// Where the parts of a message are (RFC 2045, 2046), as ranges of its octets.
//
//   Result<Structure> structure = walk(source, [](const Part& part) { return part.multipart(); });
//   for (const Part& part : structure->parts) ...
//
// A walk reads a message once, from front to back, and gives offsets; nothing is decoded, copied or put
// together again, so what is cut out by a range is what the sender made. It understands delimiters and the
// two fields that say how a part is built, and no more. Linear in time for any octets, and bounded in memory:
// over a limit it goes on without looking closer, and says so.
//
// A delimiter counts at the start of a line, for the innermost open multipart that has this boundary; one of
// an outer multipart ends everything within it (RFC 2046 section 5.1.2). The line end in front belongs to it.
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
  std::size_t depth = 100;           // of parts within parts
  std::size_t parts = 10'000;        // of the message; there are no more Parts after that
  std::size_t field = 256 << 10;     // octets of one header field; the rest of it is not looked at
  std::size_t header = 1 << 20;      // octets of one header; with more the part is opaque
  std::size_t fields = 10'000;       // of one header; likewise
  std::size_t read_size = 64 << 10;  // octets asked of the source at a time
};

struct Part {
  std::size_t parent = 0;  // place in Structure::parts; the message itself is its own
  std::size_t depth = 0;   // parts around it
  std::size_t level = 0;   // mails around it: 0 for the parts of the message, 1 for those of a mail within
  Range header;            // the empty line behind it included
  Range body;              // without the line end that belongs to the next delimiter
  std::string type;        // `text/plain`, in lower case; RFC 2045's and 2046's defaults where there is none
  std::string charset;     // as given; empty where there is none
  Encoding encoding = Encoding::Identity;  // of a multipart it means nothing (RFC 2045 section 6.4)

  bool multipart() const { return type.starts_with("multipart/"); }
  // Its body is a mail: message/rfc822, or message/global (RFC 6532).
  bool message() const { return type == "message/rfc822" || type == "message/global"; }
};

struct Structure {
  std::vector<Part> parts;  // in the order of their headers: each behind its parent
  bool limit_reached = false;
  std::uint64_t steps = 0;  // octets and boundaries looked at: what the time is proportional to
};

// Asked for each multipart and each mail that is not encoded: whether to look into it. A body not looked into
// is searched for the delimiters of the multiparts around it only, whatever it holds.
using Descend = std::function<bool(const Part&)>;

// Error only where the source cannot be read.
Result<Structure> walk(Source& source, const Descend& descend, const Limits& limits = {});
Result<Structure> walk(Source& source, const Limits& limits = {});  // into everything

// The fields of these names in the header that starts at `range.offset` and ends at the latest with the
// range.
Result<mail::HeaderWalker> read_header(Source& source, Range range, std::vector<std::string> names,
                                       const Limits& limits = {});

}  // namespace gw::mime

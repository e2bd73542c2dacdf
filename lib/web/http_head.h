// The head of a request, looked at octet by octet before anything else reads it (RFC 9112).
//
// The library behind http_connection.h is of a version with known faults in what it accepts (CVE-2025-46728,
// CVE-2025-53628, CVE-2025-53629: heads, header lines and chunks without bound; header values that it decodes
// from %0d%0a into line ends, CVE-2023-26130). So it never sees what a client sent but a request line that
// was found good here. What is not plainly good is refused: a second reading of the same octets by somebody
// in front of us is what request smuggling lives on.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "web/http.h"

namespace gw::web {

inline constexpr std::size_t kMostHead = 32 << 10;  // octets of request line and fields
inline constexpr std::size_t kMostTarget = 8000;
inline constexpr std::size_t kMostFields = 100;

struct Head {
  std::string method;
  std::string target;
  Fields headers;                // names in lower case, values without the blanks around them
  std::uint64_t body = 0;        // Content-Length
  bool awaits_continue = false;  // Expect: 100-continue
  bool closes = false;           // the client wants no more on this connection
};

// A refusal: the status that says what is wrong.
struct BadHead {
  int status = 400;
  std::string_view why;
};

// `octets` is the whole head up to and with its empty line.
std::variant<Head, BadHead> parse_head(std::string_view octets);

// The cookies of a head, as far as they are well formed.
Fields parse_cookies(const Fields& headers);

}  // namespace gw::web

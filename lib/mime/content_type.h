// The value of a Content-Type field (RFC 2045 section 5.1), with parameters in the forms of RFC 2231.
//
// Values stay the octets that they are: a boundary must be the same octets as its delimiter lines, so nothing
// is converted or decoded beyond quoting and RFC 2231. Tolerant: an unquoted value goes up to a blank or
// semicolon, whatever it holds.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gw::mime {

struct ContentType {
  std::string type;  // `text/plain`, in lower case

  // A parameter by its name in lower case; the first of several. Sections (`boundary*0`) are put together.
  std::optional<std::string> parameter(std::string_view name) const;

  struct Piece {
    std::string name;  // in lower case
    std::size_t section = 0;
    bool sectioned = false;
    bool extended = false;  // percent-encoded; the first section starts with charset'language'
    std::string value;
  };
  std::vector<Piece> pieces;
};

// None where there is no type and subtype, and RFC 2045 section 5.2's default holds.
std::optional<ContentType> parse_content_type(std::string_view value);

}  // namespace gw::mime

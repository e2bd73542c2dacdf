// Parses the value of a Content-Type field (RFC 2045 section 5.1), with parameters in the forms of
// RFC 2231.
//
// Values keep their bytes: a boundary must be the same bytes as its delimiter lines, so nothing is
// converted to another character set. Only quoting and the percent-encoding of RFC 2231 are
// decoded. The parser accepts what senders write: an unquoted value extends to the next white space
// or semicolon, whatever it contains.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gw::mime {

struct ContentType {
  std::string type;  // `text/plain`, in lower case

  // Returns a parameter; nullopt if there is none. `name` is in lower case. Returns the first if
  // there are several, and joins sections (`boundary*0`, `boundary*1`) up to the first gap.
  std::optional<std::string> parameter(std::string_view name) const;

  // One parameter as written, or one section of it.
  struct Piece {
    std::string name;  // in lower case
    std::size_t section = 0;
    bool sectioned = false;  // the name had a section number
    bool extended = false;   // percent-encoded; the first section starts with charset'language'
    std::string value;
  };
  std::vector<Piece> pieces;
};

// Returns nullopt if the value does not begin with type and subtype: the default of RFC 2045
// section 5.2 applies. At most 1000 parameters are read.
std::optional<ContentType> parse_content_type(std::string_view value);

}  // namespace gw::mime

// Parses one POP3 command line (RFC 1939 section 3, RFC 2449 section 4).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace gw::pop3 {

enum class Verb : unsigned char {
  Unknown,
  Capa,
  User,
  Pass,
  Auth,
  Stls,
  Utf8,
  Quit,  // up to here: before login; Capa and Quit also after it
  Stat,
  List,
  Uidl,
  Retr,
  Top,
  Dele,
  Rset,
  Noop,  // up to here: after login
  Apop,
  Last,
  Xtnd,  // up to here: known but not supported
};

struct Command {
  Verb verb = Verb::Unknown;
  // The text after the verb and one space. It is not trimmed, because a password may begin or end
  // with spaces.
  std::string_view argument;
};

// Parses a line without its CRLF. Ignores the case of the verb. The argument is a view of `line`.
Command parse(std::string_view line);

// The arguments of RETR, DELE, LIST, UIDL and TOP: decimal numbers with spaces between and around
// them.
struct Numbers {
  std::size_t count = 0;                // number of arguments; 3 stands for three or more
  std::optional<std::uint64_t> first;   // nullopt if missing or no number
  std::optional<std::uint64_t> second;  // nullopt if missing or no number
};
Numbers parse_numbers(std::string_view argument);

}  // namespace gw::pop3

// One command line of POP3 (RFC 1939 section 3, RFC 2449 section 4), taken apart.
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
  Quit,  // before login, Capa and Quit also after it
  Stat,
  List,
  Uidl,
  Retr,
  Top,
  Dele,
  Rset,
  Noop,  // after login
  Apop,
  Last,
  Xtnd,  // known, and never offered
};

struct Command {
  Verb verb = Verb::Unknown;
  // What stands behind the verb and one blank, as it is: a password may begin and end with blanks.
  std::string_view argument;
};

// `line` is without its CRLF; the argument is a view of it. Verbs in any case.
Command parse(std::string_view line);

// Numbers as RETR, DELE, LIST and TOP take them: decimal digits, blanks between and around them.
struct Numbers {
  std::size_t count = 0;               // of arguments; 3 stands for more than two
  std::optional<std::uint64_t> first;  // none where it is no number
  std::optional<std::uint64_t> second;
};
Numbers parse_numbers(std::string_view argument);

}  // namespace gw::pop3

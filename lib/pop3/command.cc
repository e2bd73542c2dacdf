#include "pop3/command.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace gw::pop3 {
namespace {

// Frequent commands first: the search is linear.
constexpr std::array<std::pair<std::string_view, Verb>, 18> kVerbs{{
    {"RETR", Verb::Retr},
    {"DELE", Verb::Dele},
    {"LIST", Verb::List},
    {"UIDL", Verb::Uidl},
    {"STAT", Verb::Stat},
    {"TOP", Verb::Top},
    {"NOOP", Verb::Noop},
    {"RSET", Verb::Rset},
    {"QUIT", Verb::Quit},
    {"CAPA", Verb::Capa},
    {"USER", Verb::User},
    {"PASS", Verb::Pass},
    {"AUTH", Verb::Auth},
    {"STLS", Verb::Stls},
    {"UTF8", Verb::Utf8},
    {"APOP", Verb::Apop},
    {"LAST", Verb::Last},
    {"XTND", Verb::Xtnd},
}};

// Removes the next word from the start of `rest` and returns it; empty if there is none.
std::string_view word(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
  const std::string_view found = rest.substr(0, rest.find_first_of(" \t"));
  rest.remove_prefix(found.size());
  return found;
}

}  // namespace

Command parse(std::string_view line) {
  // Exactly one space separates verb and argument; any further one belongs to the argument (RFC
  // 2449 section 4), since a password may begin with a space.
  const std::size_t blank = line.find(' ');
  const std::string_view verb = line.substr(0, blank);
  for (const auto& [name, value] : kVerbs) {
    if (!iequals(verb, name)) continue;
    return {value, blank == std::string_view::npos ? std::string_view() : line.substr(blank + 1)};
  }
  return {};
}

Numbers parse_numbers(std::string_view argument) {
  Numbers numbers;
  while (numbers.count < 3) {
    const std::string_view found = word(argument);
    if (found.empty()) break;
    ++numbers.count;
    if (numbers.count == 1) numbers.first = parse_number(found);
    if (numbers.count == 2) numbers.second = parse_number(found);
  }
  return numbers;
}

}  // namespace gw::pop3

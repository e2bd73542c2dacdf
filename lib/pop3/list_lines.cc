#include "pop3/list_lines.h"

#include <algorithm>

#include "base/text.h"

namespace gw::pop3 {
namespace {

constexpr std::size_t kMaxUidl = 255;  // bytes; RFC 1939 allows 70

}  // namespace

std::optional<UidlLine> parse_uidl_line(std::string_view line) {
  line = trim(line);
  const std::size_t blank = line.find_first_of(" \t");
  if (blank == std::string_view::npos) return std::nullopt;
  const std::optional<std::uint64_t> number = parse_number(line.substr(0, blank));
  const std::string_view uidl = trim(line.substr(blank));
  const bool graphic = std::all_of(uidl.begin(), uidl.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!number || *number == 0 || uidl.empty() || uidl.size() > kMaxUidl || !graphic) return std::nullopt;
  return UidlLine{*number, uidl};
}

}  // namespace gw::pop3

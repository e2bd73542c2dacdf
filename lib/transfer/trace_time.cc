// The times of traces and logs: parse_trace_time().
#include <array>
#include <chrono>

#include "base/text.h"
#include "transfer/trace_file.h"

namespace gw::transfer {
namespace {

// Reads one number and what follows it.
std::optional<unsigned> take_number(std::string_view& text, std::size_t most) {
  std::size_t size = 0;
  while (size < text.size() && size < most && text[size] >= '0' && text[size] <= '9') ++size;
  const auto number = size == 0 ? std::nullopt : parse_number(text.substr(0, size));
  if (!number) return std::nullopt;
  text.remove_prefix(size);
  return static_cast<unsigned>(*number);
}

bool take_mark(std::string_view& text, std::string_view marks) {
  if (text.empty() || marks.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// Parses `Z`, `UTC`, `GMT`, `+02:00`, `+0200`. Returns seconds east of UTC.
std::optional<std::int64_t> zone_of(std::string_view text) {
  text = trim(text);
  if (iequals(text, "z") || iequals(text, "utc") || iequals(text, "gmt")) return 0;
  const bool west = text.starts_with('-');
  if (!west && !text.starts_with('+')) return std::nullopt;
  text.remove_prefix(1);
  const auto hours = take_number(text, 2);
  (void)take_mark(text, ":");
  const auto minutes = text.empty() ? std::optional<unsigned>(0) : take_number(text, 2);
  if (!hours || !minutes || !text.empty() || *hours > 14 || *minutes > 59) return std::nullopt;
  const std::int64_t seconds = std::int64_t{*hours} * 3600 + *minutes * 60;
  return west ? -seconds : seconds;
}

}  // namespace

std::optional<Micros> parse_trace_time(std::string_view text, const TraceOptions& options) {
  text = trim(text);
  const auto first = take_number(text, 4);
  if (!first || text.empty()) return std::nullopt;
  const char mark = text.front();
  if (!take_mark(text, "-/.")) return std::nullopt;
  const auto second = take_number(text, 2);
  if (!second || !take_mark(text, std::string_view(&mark, 1))) return std::nullopt;
  const auto third = take_number(text, 4);
  if (!third) return std::nullopt;
  (void)take_mark(text, ",");
  std::array<unsigned, 3> clock{};
  Micros fraction = 0;
  if (!text.empty()) {
    if (!take_mark(text, "T ")) return std::nullopt;
    text = trim(text);
    for (std::size_t i = 0; i < clock.size(); ++i) {
      if (i > 0 && !take_mark(text, ":.")) break;
      const auto number = take_number(text, 2);
      if (!number) return std::nullopt;
      clock[i] = *number;
    }
    if (take_mark(text, ".,")) {
      Micros unit = 100'000;
      while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
        fraction += unit * (text.front() - '0');
        unit /= 10;
        text.remove_prefix(1);
      }
    }
  }
  text = trim(text);
  bool month_first = options.dates == DateOrder::MonthFirst && mark == '/';
  if (istarts_with(text, "am") || istarts_with(text, "pm")) {
    if (clock[0] < 1 || clock[0] > 12) return std::nullopt;
    clock[0] = clock[0] % 12 + (istarts_with(text, "pm") ? 12 : 0);
    text = trim(text.substr(2));
    month_first = true;
  }
  const auto zone = text.empty() ? std::optional<std::int64_t>(options.zone) : zone_of(text);
  if (!zone) return std::nullopt;
  unsigned year = *third;
  unsigned month = *second;
  unsigned day = *first;
  if (*first >= 1000) {
    year = *first;
    day = *third;
  } else if (month_first) {
    month = *first;
    day = *second;
  }
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (year < 1970 || !date.ok() || clock[0] > 23 || clock[1] > 59 || clock[2] > 60) return std::nullopt;
  const Micros days = std::chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t seconds = std::int64_t{clock[0]} * 3600 + clock[1] * 60 + clock[2] - *zone;
  return (days * 86'400 + seconds) * 1'000'000 + fraction;
}

}  // namespace gw::transfer

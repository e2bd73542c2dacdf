#include "base/clock.h"

#include <time.h>

#include <array>
#include <charconv>
#include <cstdio>

namespace gw {
namespace {

constexpr std::int64_t kMillion = 1'000'000;
constexpr std::int64_t kDay = 86'400;

struct Civil {
  std::chrono::year_month_day date;
  std::int64_t second_of_day;
  std::int64_t micros;
  unsigned weekday;
};

// Integer division rounds toward zero; times before 1970 must round down, or the fraction and the
// time of day would be negative.
Civil civil(Micros time) {
  std::int64_t seconds = time / kMillion;
  std::int64_t micros = time % kMillion;
  if (micros < 0) {
    micros += kMillion;
    --seconds;
  }
  std::int64_t days = seconds / kDay;
  std::int64_t rest = seconds % kDay;
  if (rest < 0) {
    rest += kDay;
    --days;
  }
  const std::chrono::sys_days day{std::chrono::days(days)};
  return {std::chrono::year_month_day(day), rest, micros, std::chrono::weekday(day).c_encoding()};
}

// Removes exactly `digits` decimal digits from the front of `text`. std::from_chars alone would
// accept a sign and fewer digits.
bool take(std::string_view& text, std::size_t digits, int& value) {
  if (text.size() < digits) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, value);
  if (error != std::errc{} || end != text.data() + digits || text[0] == '-') return false;
  text.remove_prefix(digits);
  return true;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

Micros now() {
  timespec at{};
  ::clock_gettime(CLOCK_REALTIME, &at);
  return static_cast<std::int64_t>(at.tv_sec) * kMillion + at.tv_nsec / 1000;
}

BootClock::time_point BootClock::now() {
  timespec at{};
  ::clock_gettime(CLOCK_BOOTTIME, &at);
  return time_point(std::chrono::seconds(at.tv_sec) + std::chrono::nanoseconds(at.tv_nsec));
}

std::string rfc3339(Micros time) {
  const Civil c = civil(time);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(c.date.year()),
                static_cast<unsigned>(c.date.month()), static_cast<unsigned>(c.date.day()),
                static_cast<int>(c.second_of_day / 3600), static_cast<int>(c.second_of_day / 60 % 60),
                static_cast<int>(c.second_of_day % 60));
  std::string result = text.data();
  if (c.micros != 0) {
    std::snprintf(text.data(), text.size(), ".%06d", static_cast<int>(c.micros));
    result += text.data();
  }
  return result + "Z";
}

std::string rfc5322(Micros time) {
  static constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const Civil c = civil(time);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %u %s %d %02d:%02d:%02d +0000", kDays[c.weekday],
                static_cast<unsigned>(c.date.day()), kMonths[static_cast<unsigned>(c.date.month()) - 1],
                static_cast<int>(c.date.year()), static_cast<int>(c.second_of_day / 3600),
                static_cast<int>(c.second_of_day / 60 % 60), static_cast<int>(c.second_of_day % 60));
  return text.data();
}

std::optional<Micros> parse_time(std::string_view text) {
  int year = 0, month = 0, day = 0;
  if (!take(text, 4, year) || !take(text, '-') || !take(text, 2, month) || !take(text, '-') ||
      !take(text, 2, day))
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  std::int64_t seconds = std::chrono::sys_days(date).time_since_epoch().count() * kDay;
  if (text.empty()) return seconds * kMillion;

  int hour = 0, minute = 0, second = 0;
  if (!take(text, 'T') && !take(text, 't') && !take(text, ' ')) return std::nullopt;
  if (!take(text, 2, hour) || !take(text, ':') || !take(text, 2, minute)) return std::nullopt;
  if (take(text, ':') && !take(text, 2, second)) return std::nullopt;
  // RFC 3339 allows 60 for a leap second; it becomes the first second of the next minute.
  if (hour > 23 || minute > 59 || second > 60) return std::nullopt;
  seconds += hour * 3600 + minute * 60 + second;
  std::int64_t micros = 0;
  if (take(text, '.')) {
    std::int64_t unit = 100'000;
    if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
    // `unit` becomes zero after six digits, so further digits are dropped.
    while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
      micros += (text[0] - '0') * unit;
      unit /= 10;
      text.remove_prefix(1);
    }
  }
  if (take(text, 'Z') || take(text, 'z'))
    return text.empty() ? std::optional(seconds * kMillion + micros) : std::nullopt;
  // A time without `Z` or an offset is ambiguous and refused.
  const bool ahead = take(text, '+');
  if (!ahead && !take(text, '-')) return std::nullopt;
  int offset_hours = 0, offset_minutes = 0;
  if (!take(text, 2, offset_hours)) return std::nullopt;
  take(text, ':');
  if (!take(text, 2, offset_minutes) || !text.empty() || offset_hours > 23 || offset_minutes > 59)
    return std::nullopt;
  const std::int64_t offset = offset_hours * 3600 + offset_minutes * 60;
  return (seconds - (ahead ? offset : -offset)) * kMillion + micros;
}

std::string shown_time(Micros time) {
  if (time == 0) return "-";
  std::string text = rfc3339(time - time % 1'000'000);
  const std::size_t t = text.find('T');
  if (t != std::string::npos) text[t] = ' ';
  return text;
}

std::string shown_span(std::int64_t seconds) {
  const auto with = [](std::int64_t count, const char* unit) { return std::to_string(count) + " " + unit; };
  if (seconds == 86'400) return "1 day";
  if (seconds % 86'400 == 0 && seconds != 0) return with(seconds / 86'400, "days");
  if (seconds % 3600 == 0 && seconds != 0) return with(seconds / 3600, "h");
  return with(seconds, "s");
}

std::string shown_age(std::int64_t seconds) {
  if (seconds >= 2 * 86'400) return std::to_string(seconds / 86'400) + " days";
  if (seconds >= 2 * 3600) return std::to_string(seconds / 3600) + " h";
  if (seconds >= 2 * 60) return std::to_string(seconds / 60) + " min";
  return std::to_string(seconds) + " s";
}

}  // namespace gw

#include "web/strings/strings.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "base/text.h"

namespace gw::web {
namespace {

constexpr std::array<std::string_view, 3> kCodes{"en", "it", "de"};
constexpr std::array<std::string_view, 12> kEnglishMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr Micros kSecond = 1'000'000;
constexpr std::string_view kNoBreakSpace = "\u00a0";

// All times are in UTC: the server does not know the reader's time zone. console.js adds the local
// time.
std::tm utc(Micros time) {
  const std::time_t seconds = static_cast<std::time_t>(time / kSecond);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return parts;
}

std::string two(int value) {
  return (value < 10 ? "0" : "") + std::to_string(value);
}

// Returns the weight of a language range, `0.5` for `en;q=0.5`; 1 if it is not stated, 0 if it is
// malformed.
double quality(std::string_view parameters) {
  for (const std::string_view piece : split(parameters, ';')) {
    const std::string_view part = trim(piece);
    if (!istarts_with(part, "q=")) continue;
    double value = 0;
    const auto read = std::from_chars(part.data() + 2, part.data() + part.size(), value);
    return read.ec == std::errc() && value >= 0 && value <= 1 ? value : 0;
  }
  return 1;
}

}  // namespace

std::string_view code(Language language) {
  return kCodes[static_cast<std::size_t>(language)];
}

std::optional<Language> parse_language(std::string_view word) {
  for (const Language language : {Language::English, Language::Italian, Language::German})
    if (word == code(language)) return language;
  return std::nullopt;
}

Language accepted_language(std::string_view accept_language) {
  Language best = Language::English;
  double best_quality = 0;
  for (const std::string_view piece : split(accept_language, ',')) {
    const std::string_view item = trim(piece);
    const std::size_t end = std::min(item.find(';'), item.size());
    // `de-AT` counts as `de`.
    const std::string primary = lower(item.substr(0, std::min(item.find('-'), end)));
    const auto language = parse_language(primary);
    const double asked = end < item.size() ? quality(item.substr(end + 1)) : 1;
    // `<=`: of two languages with the same weight the first one wins.
    if (!language || asked <= best_quality) continue;
    best = *language;
    best_quality = asked;
  }
  return best;
}

std::optional<Text> Text::find(std::string_view id) {
  const Word* word = word_table::find_or_null(id);
  return word != nullptr ? std::optional(Text(word)) : std::nullopt;
}

std::string_view Text::in(Language language) const {
  return language == Language::English ? word_->en : language == Language::Italian ? word_->it : word_->de;
}

std::string Words::plain(Text text, const Fills& fills) const {
  const std::string_view pattern = text.in(language_);
  std::string out;
  for (std::size_t at = 0; at < pattern.size();) {
    const std::size_t open = std::min(pattern.find('{', at), pattern.size());
    out += pattern.substr(at, open - at);
    const std::size_t close = pattern.find('}', open);
    if (close == std::string_view::npos) {
      out += pattern.substr(open);
      break;
    }
    const std::string_view name = pattern.substr(open + 1, close - open - 1);
    // A value is inserted as it is and not searched for placeholders, so a mailbox named `{count}`
    // is shown as that.
    for (const auto& [key, value] : fills)
      if (key == name) out += value;
    at = close + 1;
  }
  return out;
}

Html Words::with(Text text, const Html& value) const {
  const std::string_view pattern = text.in(language_);
  const std::size_t open = pattern.find('{');
  const std::size_t close = pattern.find('}', open);
  if (close == std::string_view::npos) return escaped(pattern);
  return escaped(pattern.substr(0, open)) + value + escaped(pattern.substr(close + 1));
}

Html Words::counted(Text one, Text many, std::uint64_t count) const {
  return (*this)(count == 1 ? one : many, {{"count", number(count)}});
}

std::string Words::number(std::uint64_t value) const {
  const char separator = language_ == Language::English ? ',' : '.';
  std::string digits = std::to_string(value);
  // Italian does not group four digits (CLDR, minimumGroupingDigits 2).
  if (language_ == Language::Italian && digits.size() == 4) return digits;
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, separator);
  return digits;
}

std::string Words::size(std::uint64_t size) const {
  std::string text = format_size(size);
  if (const std::size_t space = text.find(' '); space != std::string::npos)
    text.replace(space, 1, kNoBreakSpace);
  if (language_ != Language::English)
    if (const std::size_t point = text.find('.'); point != std::string::npos) text[point] = ',';
  return text;
}

std::string Words::percent(double share) const {
  const long whole = std::lround(share * 100);
  return std::to_string(whole) + (language_ == Language::German ? std::string(kNoBreakSpace) + "%" : "%");
}

std::string Words::date(Micros time) const {
  const std::tm parts = utc(time);
  const std::string year = std::to_string(parts.tm_year + 1900);
  if (language_ == Language::Italian) return two(parts.tm_mday) + "/" + two(parts.tm_mon + 1) + "/" + year;
  if (language_ == Language::German) return two(parts.tm_mday) + "." + two(parts.tm_mon + 1) + "." + year;
  return std::to_string(parts.tm_mday) + " " +
         std::string(kEnglishMonths[static_cast<std::size_t>(parts.tm_mon)]) + " " + year;
}

std::string Words::clock(Micros time) const {
  const std::tm parts = utc(time);
  return two(parts.tm_hour) + ":" + two(parts.tm_min);
}

std::string Words::day(Micros time) const {
  const std::tm parts = utc(time);
  if (language_ == Language::Italian) return two(parts.tm_mday) + "/" + two(parts.tm_mon + 1);
  if (language_ == Language::German) return two(parts.tm_mday) + "." + two(parts.tm_mon + 1) + ".";
  return std::to_string(parts.tm_mday) + " " +
         std::string(kEnglishMonths[static_cast<std::size_t>(parts.tm_mon)]);
}

std::string Words::time(Micros time) const {
  const std::tm parts = utc(time);
  return date(time) + ", " + two(parts.tm_hour) + ":" + two(parts.tm_min) + std::string(kNoBreakSpace) +
         "UTC";
}

std::string Words::clock_second(Micros time) const {
  return clock(time) + ":" + two(utc(time).tm_sec) + std::string(kNoBreakSpace) + "UTC";
}

std::string Words::second(Micros time) const {
  return date(time) + ", " + clock_second(time);
}

constexpr std::int64_t kYear = 365 * std::int64_t{86'400};
constexpr std::int64_t kMonth = kYear / 12;

std::string Words::span_in(std::int64_t seconds, Text days, Text months, Text years) const {
  const auto in = [&](Text unit, std::int64_t count) {
    return plain(unit, {{"count", number(static_cast<std::uint64_t>(count))}});
  };
  seconds = std::max<std::int64_t>(seconds, 0);
  if (seconds < 60) return in("unit.seconds", seconds);
  if (seconds < 3600) return in("unit.minutes", seconds / 60);
  // Up to two days in hours: "1 day" would be too coarse for alarms.
  if (seconds < 2 * 86'400) return in("unit.hours", seconds / 3600);
  if (seconds < 60 * std::int64_t{86'400}) return in(days, seconds / 86'400);
  // Rounded, so that 60 days are 2 months.
  if (seconds < 2 * kYear) return in(months, (seconds + kMonth / 2) / kMonth);
  return in(years, seconds / kYear);
}

std::string Words::span(std::int64_t seconds) const {
  return span_in(seconds, "unit.days", "unit.months", "unit.years");
}

std::string Words::dative_span(std::int64_t seconds) const {
  return span_in(seconds, "unit.days.dative", "unit.months.dative", "unit.years.dative");
}

Html Words::ago(Micros time, Micros now) const {
  if (time == 0) return (*this)("never");
  const std::int64_t seconds = (now - time) / kSecond;
  const bool past = seconds >= 0;
  Html text = past && seconds < 5 ? (*this)("time.now")
              : past              ? (*this)("time.ago", {{"span", dative_span(seconds)}})
                                  : (*this)("time.in", {{"span", dative_span(-seconds)}});
  return tag("time", {{"datetime", rfc3339(time)}, {"title", this->time(time)}}, text);
}

Html Words::at(Micros time) const {
  if (time == 0) return (*this)("never");
  return tag("time", {{"datetime", rfc3339(time)}}, escaped(this->time(time)));
}

Html Words::at_second(Micros time) const {
  if (time == 0) return (*this)("never");
  return tag("time", {{"datetime", rfc3339(time)}}, escaped(second(time)));
}

}  // namespace gw::web

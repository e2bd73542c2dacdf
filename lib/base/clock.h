// Wall time as data, and a clock for waiting.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gw {

// Microseconds since 1970-01-01T00:00:00Z, leap seconds not counted. Data: nothing waits on it.
using Micros = std::int64_t;

Micros now();

// `2026-11-25T03:12:34.567890Z` (RFC 3339); the fraction only where it is not zero.
std::string rfc3339(Micros time);
// RFC 3339 with `Z` or an offset; a date alone is its midnight UTC; `T` or a blank between date and time.
std::optional<Micros> parse_time(std::string_view text);
// `Wed, 25 Nov 2026 03:12:34 +0000` (RFC 5322).
std::string rfc5322(Micros time);

// For people.
std::string shown_time(Micros time);           // `2026-11-25 03:12:34Z`; `-` for 0
std::string shown_span(std::int64_t seconds);  // exactly: `1 day`, `36 h`, `0 s`
std::string shown_age(std::int64_t seconds);   // about: `3 days`, `5 h`, `12 min`, `8 s`

// A clock that goes on while the machine sleeps and never steps (CLOCK_BOOTTIME). For leases and waits.
struct BootClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
  static time_point now();
};

}  // namespace gw

// Wall-clock time as a number, its text forms, and a steady clock for waiting.
//
// Wall-clock time is data: it is stored and shown, but nothing in gw waits until a wall-clock time,
// because that clock can be set. Timeouts and leases use BootClock.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gw {

// Microseconds since 1970-01-01T00:00:00Z, without leap seconds.
using Micros = std::int64_t;

// Returns the current wall-clock time (CLOCK_REALTIME).
Micros now();

// Returns the time in UTC as `2026-11-25T03:12:34.567890Z` (RFC 3339). Omits the fraction if it is
// zero.
std::string rfc3339(Micros time);
// Parses RFC 3339 with `Z` or a numeric offset. Accepts a space in place of `T`, a time without
// seconds, and a date alone, which means midnight UTC. Digits beyond microseconds are dropped.
// Returns nullopt for anything else, also for a time without `Z` or offset.
std::optional<Micros> parse_time(std::string_view text);
// Returns the time in UTC as `Wed, 25 Nov 2026 03:12:34 +0000` (RFC 5322 section 3.3), without a
// fraction.
std::string rfc5322(Micros time);

// These functions format for people.
// Returns `2026-11-25 03:12:34Z`, or `-` for 0, which stands for "never" in gw's records.
std::string shown_time(Micros time);
// Returns an exact duration in the largest unit that divides it: `1 day`, `36 h`, `0 s`.
std::string shown_span(std::int64_t seconds);
// Returns an approximate duration, rounded down: `3 days`, `5 h`, `12 min`, `8 s`.
std::string shown_age(std::int64_t seconds);

// A clock for std::chrono that is never set and also counts while the machine is suspended
// (CLOCK_BOOTTIME). std::chrono::steady_clock stops during suspend, so a lease would outlive its
// time.
struct BootClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
  static time_point now();
};

}  // namespace gw

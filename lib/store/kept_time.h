// The clock that grace periods are counted by: the time for which a store was open, measured by a
// clock that nobody can set (CLOCK_BOOTTIME). See "Kept time" in gw-vault(7).
#pragma once

#include "base/clock.h"

namespace gw::store {

// One moment by both clocks, in microseconds.
struct Moment {
  Micros kept = 0;  // time that the vault was open since it was created
  Micros wall = 0;  // since the epoch; wrong if the system clock is wrong
};

// Counts kept time while the store is open. A period without a call (no keeper ran, or the machine
// slept) counts as at most `most_unseen`. So neither a wall clock that jumps nor a restored backup
// can end a grace period early by more than that. Not thread-safe.
class KeptTime {
 public:
  // `last` is the moment that was stored last, with `wall` 0 if there is none; `wall` and `boot`
  // are the current times.
  KeptTime(const Moment& last, Micros wall, BootClock::time_point boot, BootClock::duration most_unseen);

  // Advances the clock and returns the current moment.
  Moment at(Micros wall, BootClock::time_point boot);

 private:
  BootClock::duration most_unseen_;  // most that one gap counts
  BootClock::time_point looked_;     // when at() was called last
  Micros kept_;
};

}  // namespace gw::store

// The time that grace times are counted in: how long a store was kept, by a clock that nobody can set.
#pragma once

#include "base/clock.h"

namespace gw::store {

// A moment by both clocks, in microseconds.
struct Moment {
  Micros kept = 0;  // since the vault was made, as far as it was kept
  Micros wall = 0;  // since 1970; may be wrong
};

// Counts while the store is open. A time in which nobody looked, because no keeper had the store open or the
// machine slept, counts as `most_unseen` at the most: neither a wall clock that jumps nor a backup that is
// restored ages what is in the store by more. Not for several threads.
class KeptTime {
 public:
  // `last` is the moment that was written down last, with `wall` 0 if there is none.
  KeptTime(const Moment& last, Micros wall, BootClock::time_point boot, BootClock::duration most_unseen);

  Moment at(Micros wall, BootClock::time_point boot);

 private:
  BootClock::duration most_unseen_;
  BootClock::time_point looked_;
  Micros kept_;
};

}  // namespace gw::store

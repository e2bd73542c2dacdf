// Notices a wall clock that has jumped ahead, so that no sweep takes a wrong year for a grace time that is
// over.
#pragma once

#include <optional>

#include "base/clock.h"

namespace gw::store {

class ClockWatch {
 public:
  explicit ClockWatch(Micros last = 0) : last_(last) {}

  // The store did something at this time: a leaf, or a sweep.
  void seen(Micros wall, BootClock::time_point boot);
  // Whether a sweep at this time must wait: the clock ran over two days ahead since anything was seen, less
  // than an hour of real time ago. `now` is an administrator's word that the clock is right.
  bool holds_back(Micros wall, BootClock::time_point boot, bool now);
  Micros last() const { return last_; }

 private:
  Micros last_;
  std::optional<BootClock::time_point> jumped_;
};

}  // namespace gw::store

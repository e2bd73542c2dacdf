#include "store/clock_watch.h"

#include <algorithm>

namespace gw::store {

void ClockWatch::seen(Micros wall, BootClock::time_point boot) {
  constexpr Micros kTwoDays = 2LL * 86'400 * 1'000'000;
  if (last_ != 0 && wall - last_ > kTwoDays) jumped_ = boot;
  last_ = std::max(last_, wall);
}

bool ClockWatch::holds_back(Micros wall, BootClock::time_point boot, bool now) {
  seen(wall, boot);
  if (jumped_ && !now && boot - *jumped_ < std::chrono::hours(1)) return true;
  jumped_.reset();
  return false;
}

}  // namespace gw::store

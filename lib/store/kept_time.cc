#include "store/kept_time.h"

#include <algorithm>

namespace gw::store {

using std::chrono::duration_cast;
using std::chrono::microseconds;

KeptTime::KeptTime(const Moment& last, Micros wall, BootClock::time_point boot,
                   BootClock::duration most_unseen)
    : most_unseen_(most_unseen), looked_(boot), kept_(last.kept) {
  // While the store was closed only the wall clock can tell how much time has passed. It may be
  // wrong: a clock that went back adds nothing, one that jumped ahead adds at most `most_unseen`.
  if (last.wall <= 0 || wall <= last.wall) return;
  kept_ += std::min<Micros>(wall - last.wall, duration_cast<microseconds>(most_unseen).count());
}

Moment KeptTime::at(Micros wall, BootClock::time_point boot) {
  // In whole microseconds, and looked_ advances by exactly these: frequent calls would otherwise
  // lose a fraction each.
  const auto passed = duration_cast<microseconds>(boot - looked_);
  if (passed.count() > 0) {
    looked_ += passed;
    // The boot clock also counts while the machine sleeps. That is limited in the same way.
    kept_ += duration_cast<microseconds>(std::min<BootClock::duration>(passed, most_unseen_)).count();
  }
  return {kept_, wall};
}

}  // namespace gw::store

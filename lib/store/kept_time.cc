#include "store/kept_time.h"

#include <algorithm>

namespace gw::store {

using std::chrono::duration_cast;
using std::chrono::microseconds;

KeptTime::KeptTime(const Moment& last, Micros wall, BootClock::time_point boot,
                   BootClock::duration most_unseen)
    : most_unseen_(most_unseen), looked_(boot), kept_(last.kept) {
  if (last.wall <= 0 || wall <= last.wall) return;
  kept_ += std::min<Micros>(wall - last.wall, duration_cast<microseconds>(most_unseen).count());
}

Moment KeptTime::at(Micros wall, BootClock::time_point boot) {
  // In whole microseconds, so that frequent looks lose none of a microsecond's parts.
  const auto passed = duration_cast<microseconds>(boot - looked_);
  if (passed.count() > 0) {
    looked_ += passed;
    kept_ += duration_cast<microseconds>(std::min<BootClock::duration>(passed, most_unseen_)).count();
  }
  return {kept_, wall};
}

}  // namespace gw::store

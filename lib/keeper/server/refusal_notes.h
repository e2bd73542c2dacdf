// Which refusals the histories have of late.
//
// A sender that heard 5xx is noted in the history of the mailbox that it named. Anybody who knows an address
// can have that happen as often as they like, and a history is kept for ever and synced: so of each mailbox
// and code one note an hour is written. The log and the counts of the servers have all of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

#include "base/clock.h"
#include "base/id.h"
#include "store/store.h"

namespace gw::keeper {

class RefusalNotes {
 public:
  static constexpr std::chrono::hours kEach{1};
  static constexpr std::size_t kMost = 10'000;  // remembered; while as many are, further ones are not written

  // Whether the history of this mailbox has a note with this code that is less than an hour old. If not, the
  // one that the caller now writes counts as such. After a start the newest entries of the history are looked
  // at.
  bool repeats(store::Store& store, const MailboxId& mailbox, std::uint64_t code);

 private:
  std::mutex mutex_;
  std::map<std::pair<MailboxId, std::uint64_t>, BootClock::time_point> noted_;
};

}  // namespace gw::keeper

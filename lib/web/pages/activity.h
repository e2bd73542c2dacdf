// Counts how much mail arrived and was drained per hour, for the chart of the overview.
//
// The numbers come from the histories of the mailboxes: each history entry is read once, and later
// updates read only the new ones. The memory is bounded: 30 days of hours in which anything
// happened. If the first update finds more entries than a user can wait for, it stops and the next
// update continues; complete() tells whether everything is counted.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "store/store.h"

namespace gw::web {

// Messages and bytes in some span of time. `in` counts accepted messages, `out` drained ones.
struct Traffic {
  std::uint64_t messages_in = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t messages_out = 0;
  std::uint64_t bytes_out = 0;

  Traffic& operator+=(const Traffic& more);
};

// Thread-safe.
class Activity {
 public:
  static constexpr std::int64_t kHours = std::int64_t{30} * 24;  // how far back, in hours
  // The number of hours kept for all mailboxes together, about 20 MB. Beyond it the oldest days go.
  static constexpr std::size_t kMaxBuckets = 200'000;
  // The number of history entries that one call of update() reads.
  static constexpr std::size_t kAtOnce = 100'000;

  // Reads the new history entries of these mailboxes. `now` is in microseconds since the epoch. If
  // another thread is reading, it returns immediately without an error. Fails with the error of the
  // store; what was read before stays counted.
  Result<void> update(store::Store& store, std::span<const store::MailboxRecord> mailboxes, Micros now);
  // Returns whether the last update() reached the end of all histories.
  bool complete() const;

  // Returns the sums over these mailboxes for each of the last `count` spans of `hours` hours,
  // oldest first; the last one contains `now`. Spans are aligned to UTC: with `hours` 24 they are
  // calendar days.
  std::vector<Traffic> last(std::span<const store::MailboxRecord> mailboxes, std::size_t count,
                            std::int64_t hours, Micros now) const;
  // Returns the number of hours that are kept, for tests.
  std::size_t buckets() const;

 private:
  // What was counted of one mailbox.
  struct Log {
    // The index of the first history entry that has not been read. Valid only if `begun`.
    std::uint64_t next = 0;
    bool begun = false;
    // By the hour since the epoch.
    std::map<std::int64_t, Traffic> hours;
  };
  // Reads at most `most` new entries of one history, not older than `since`. Returns how many it
  // read.
  Result<std::size_t> read(store::Store& store, const MailboxId& mailbox, Micros since, std::size_t most);
  void forget_before(std::int64_t hour);

  // Held by the thread that reads; `mutex_` protects the members below it, only for moments.
  std::mutex reading_;
  mutable std::mutex mutex_;
  std::unordered_map<MailboxId, Log> logs_;
  bool complete_ = false;
};

}  // namespace gw::web

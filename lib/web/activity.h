// How much mail came and went, by the hour, for the overview's chart.
//
// Counted from the histories: each mailbox's leaves are read once, and afterwards only those that are new.
// What is kept is bounded: thirty days of hours in which anything happened. Where a first look finds more
// than can be read while somebody waits, it goes on at the next: complete() says so.
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

struct Traffic {
  std::uint64_t messages_in = 0;
  std::uint64_t octets_in = 0;
  std::uint64_t messages_out = 0;  // drained
  std::uint64_t octets_out = 0;

  Traffic& operator+=(const Traffic& more);
};

class Activity {
 public:
  static constexpr std::int64_t kHours = std::int64_t{30} * 24;
  static constexpr std::size_t kMostBuckets = 200'000;  // of all mailboxes together: about 20 MB
  static constexpr std::size_t kAtOnce = 100'000;       // leaves that one call of update reads

  // Reads what is new in the histories of these mailboxes. Safe from several threads: while one reads,
  // another's call does nothing.
  Result<void> update(store::Store& store, std::span<const store::MailboxRecord> mailboxes, Micros now);
  bool complete() const;

  // The sums of these mailboxes for each of the last `count` spans of `hours` hours, the present one last.
  std::vector<Traffic> last(std::span<const store::MailboxRecord> mailboxes, std::size_t count,
                            std::int64_t hours, Micros now) const;
  std::size_t buckets() const;

 private:
  struct Log {
    std::uint64_t next = 0;  // index of the first leaf that was not read
    bool begun = false;
    std::map<std::int64_t, Traffic> hours;
  };
  // Gives how many leaves it read; stops at `most`.
  Result<std::size_t> read(store::Store& store, const MailboxId& mailbox, Micros since, std::size_t most);
  void forget_before(std::int64_t hour);

  std::mutex reading_;
  mutable std::mutex mutex_;
  std::unordered_map<MailboxId, Log> logs_;
  bool complete_ = false;
};

}  // namespace gw::web

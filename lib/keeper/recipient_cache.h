// A client's small cache of recipients, so that a burst of mail to one address needs one lookup
// instead of one for each RCPT TO.
//
// An entry is valid while the keeper's ChangeCounter has the value that it had before the lookup was
// sent, and for one second at most, because a killed keeper increments no counter any more while
// its successor makes changes. The cache only answers RCPT TO: the keeper checks again at commit.
// Recipients whose mailbox has a quota are not kept, because their room changes with every message
// and the counter does not count messages. Addresses above 512 bytes are not kept either; the cache
// holds at most 256 entries. Thread-safe.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "store/store.h"

namespace gw::keeper {

// Identifies a state of the keeper's records.
struct CacheVersion {
  std::uint64_t keeper = 0;   // which keeper, as counted by the client's Pool
  std::uint64_t changes = 0;  // value of that keeper's ChangeCounter
  bool operator==(const CacheVersion&) const = default;
};

class RecipientCache {
 public:
  // Returns the cached recipient if it was added with the stamp `now` and within the last second,
  // else nullopt.
  std::optional<store::Recipient> find(std::string_view address, const CacheVersion& now);
  // Adds a recipient. `before` is the stamp that was read before the lookup was sent: with a stamp
  // read afterwards, a change between the keeper's lookup and its reply would go unnoticed.
  void add(std::string_view address, const store::Recipient& recipient, const CacheVersion& before);

 private:
  // A recipient and when it was added.
  struct Found {
    store::Recipient recipient;
    BootClock::time_point since;
  };
  std::mutex mutex_;
  CacheVersion stamp_;  // of all entries; another stamp empties the cache
  std::unordered_map<std::string, Found> found_;
};

}  // namespace gw::keeper

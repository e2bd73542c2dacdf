// What a client has looked up of late, and may use again while nothing has changed.
//
// A finding holds while the keeper's ChangeCount stands where it stood before the question was asked; and for
// a second at most, since a keeper that was killed changes no number any more. Only recipients whose room
// does not depend on what is in the mailbox are kept. For use from any thread.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "store/store.h"

namespace gw::keeper {

// Which state of the records: of which keeper, and after how many changes.
struct Stamp {
  std::uint64_t keeper = 0;
  std::uint64_t changes = 0;
  bool operator==(const Stamp&) const = default;
};

class Lookups {
 public:
  std::optional<store::Recipient> find(std::string_view address, const Stamp& now);
  // `before`: as it was when the question was asked.
  void add(std::string_view address, const store::Recipient& recipient, const Stamp& before);

 private:
  struct Found {
    store::Recipient recipient;
    BootClock::time_point since;
  };
  std::mutex mutex_;
  Stamp stamp_;  // of all that is here
  std::unordered_map<std::string, Found> found_;
};

}  // namespace gw::keeper

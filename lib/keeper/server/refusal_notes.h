// Limits how often a refusal is recorded in the history of a mailbox.
//
// When gw-smtpd or gw-proxy rejects a mail with 5xx, the history of the mailbox that the sender
// named records it. A sender who knows an address can cause any number of such rejections, and each
// history entry is synced and never removed. So there is at most one entry an hour for each mailbox
// and reply code. Logs and server statistics count all of them.
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
  // Minimum time between two entries with the same mailbox and code.
  static constexpr std::chrono::hours kEach{1};
  // Pairs of mailbox and code that are remembered. While the table is full, no further refusals are
  // recorded.
  static constexpr std::size_t kMaxCount = 10'000;

  // Returns whether the history of this mailbox already has an entry with this code from the last
  // hour, so that the caller must not write another one. If it returns false, the caller is
  // expected to write the entry, which counts from now on, and to call forget() if that fails. The
  // first call for a pair reads the last 64 entries of the history, since the entry may have been
  // written before the keeper started. Thread-safe.
  bool repeats(store::Store& store, const MailboxId& mailbox, std::uint64_t code);
  // Forgets the pair: its entry was not written, e.g. because there is no such mailbox. Thread-safe.
  void forget(const MailboxId& mailbox, std::uint64_t code);

 private:
  std::mutex mutex_;
  std::map<std::pair<MailboxId, std::uint64_t>, BootClock::time_point> noted_;
};

}  // namespace gw::keeper

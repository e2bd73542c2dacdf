// The numbers of a vault: one row per mailbox, and their sums. `gw-store status`, `gw-store mailbox
// list`, the metrics and the console show them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "store/store.h"

namespace gw::vault {

struct MailboxRow {
  store::MailboxRecord record;
  store::MailboxStat stat;
};

// Reads all mailboxes with their numbers, in order of their names. A mailbox that is removed
// meanwhile is left out. The rows are read one after another and are no snapshot.
Result<std::vector<MailboxRow>> mailbox_rows(store::Store& store);

// Sums over mailboxes. Sizes are in bytes, times in microseconds since the epoch.
struct Totals {
  std::uint64_t live = 0;  // live and unconfirmed, as in store::MailboxStat
  std::uint64_t live_bytes = 0;
  std::uint64_t unconfirmed = 0;
  std::uint64_t drained = 0;
  std::uint64_t quarantined = 0;
  std::uint64_t accepted = 0;  // since the vault was created
  Micros oldest = 0;           // received time of the oldest live message; 0 if there is none
  Micros last_delivery = 0;    // the latest of all mailboxes; 0 if there is none
  Micros last_drain = 0;       // likewise
};
// Returns the sums over these rows.
Totals totals_of(std::span<const MailboxRow> rows);

}  // namespace gw::vault

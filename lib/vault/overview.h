// The numbers of a vault: a row for each mailbox, and their sums. For `status`, `mailbox list`, metrics and
// the console.
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

// By name. A mailbox that is removed meanwhile is left out.
Result<std::vector<MailboxRow>> mailbox_rows(store::Store& store);

struct Totals {
  std::uint64_t live = 0;  // live and unconfirmed, as in MailboxStat
  std::uint64_t live_octets = 0;
  std::uint64_t unconfirmed = 0;
  std::uint64_t drained = 0;
  std::uint64_t quarantined = 0;
  std::uint64_t accepted = 0;  // ever
  Micros oldest = 0;           // received time of the oldest live one; 0: none
  Micros last_delivery = 0;
  Micros last_drain = 0;
};
Totals totals_of(std::span<const MailboxRow> rows);

}  // namespace gw::vault

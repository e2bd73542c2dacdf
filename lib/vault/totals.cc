#include "vault/totals.h"

#include <algorithm>

namespace gw::vault {

Result<std::vector<MailboxRow>> mailbox_rows(store::Store& store) {
  Result<std::vector<store::MailboxRecord>> records = store.mailboxes();
  if (!records) return records.error();
  std::vector<MailboxRow> rows;
  rows.reserve(records->size());
  for (store::MailboxRecord& record : *records) {
    const Result<store::MailboxStat> stat = store.stat(record.id);
    // The mailbox was removed since the list was read.
    if (!stat && stat.error().code() == Code::NotFound) continue;
    if (!stat) return stat.error();
    rows.push_back({std::move(record), *stat});
  }
  return rows;
}

Totals totals_of(std::span<const MailboxRow> rows) {
  Totals total;
  for (const MailboxRow& row : rows) {
    total.live += row.stat.live;
    total.live_bytes += row.stat.live_bytes;
    total.unconfirmed += row.stat.unconfirmed;
    total.drained += row.stat.drained;
    total.quarantined += row.stat.quarantined;
    total.accepted += row.stat.accepted;
    // 0 means that there is no message, and must not win as the smallest time.
    if (row.stat.oldest != 0 && (total.oldest == 0 || row.stat.oldest < total.oldest))
      total.oldest = row.stat.oldest;
    total.last_delivery = std::max(total.last_delivery, row.stat.last_delivery);
    total.last_drain = std::max(total.last_drain, row.stat.last_drain);
  }
  return total;
}

}  // namespace gw::vault

// What this process knows of every history and mailbox: the truth between two commits.
//
// Only the commit leader changes it, after its batch is on the disk, so everybody else reads what is durable.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "store/merkle.h"
#include "store/store.h"

namespace gw::store {

// Stored once for each batch that changed the log.
struct LogState {
  CompactRange range;
  Micros time = 0;           // of the last leaf
  std::uint64_t headed = 0;  // size at its last Head leaf
  std::uint64_t oldest = 0;  // no live message has a lower seq; not always the highest such number
  MailboxStat stat;          // its counters

  LogHead head() const { return {range.size(), range.root(), time}; }
};
Bytes encode(const LogState& state);
Result<LogState> decode_log_state(ByteView stored);

// Where a message id leads. Kept when the message is gone: ids are never used again.
struct Where {
  std::uint64_t seq = 0;
  std::optional<LeafType> gone;
};
Bytes encode(const Where& where);
Result<Where> decode_where(ByteView stored);

struct Entry {
  std::shared_ptr<const MailboxRecord> record;  // none: the vault's own history, or a dropped mailbox's
  LogState log;
  std::uint64_t epoch = 0;  // grows after each change of a message that was there before
};
using Entries = std::map<MailboxId, Entry>;

class Table {
 public:
  std::optional<Entry> find(const MailboxId& log) const;
  // A mailbox that there is; else NotFound.
  Result<Entry> mailbox(const MailboxId& mailbox) const;
  Result<std::uint64_t> epoch(const MailboxId& mailbox) const;
  std::vector<MailboxId> logs() const;
  std::vector<std::shared_ptr<const MailboxRecord>> mailboxes() const;
  std::size_t count() const;    // of mailboxes
  std::size_t senders() const;  // of mailboxes with a sender token

  void publish(Entries&& changed);
  // Remembers, if nothing moved meanwhile, that no live message has a lower seq.
  void set_oldest(const MailboxId& mailbox, std::uint64_t epoch, std::uint64_t seq);

 private:
  mutable std::shared_mutex mutex_;
  std::unordered_map<MailboxId, Entry> entries_;
  std::size_t count_ = 0;
  std::size_t senders_ = 0;
};

}  // namespace gw::store

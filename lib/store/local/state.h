// The state of every history and mailbox in memory: what is true between two commits.
//
// Only the leader of the group commit changes it, after its batch is on disk. So every reader sees
// durable data only.
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

// The state of one history. Stored once for each batch that changed it.
struct LogState {
  CompactRange range;        // over all leaves
  Micros time = 0;           // of the last leaf
  std::uint64_t headed = 0;  // size that the last Head leaf recorded
  std::uint64_t oldest = 0;  // no live message has a lower seq; a lower bound, not exact
  MailboxStat stat;          // counters; `oldest` and `log_size` are not used

  LogHead head() const { return {range.size(), range.root(), time}; }
};
Bytes encode(const LogState& state);
Result<LogState> decode_log_state(ByteView stored);

// Where a message id leads. Kept after the message is gone, because ids are never used again.
struct MessageLocation {
  std::uint64_t seq = 0;         // the last one it had
  std::optional<LeafType> gone;  // how the message left; nullopt while it is present
};
Bytes encode(const MessageLocation& where);
Result<MessageLocation> decode_where(ByteView stored);

// The state of a mailbox or of the vault.
struct Entry {
  // null for the vault's own history and for a dropped mailbox. Never changed in place, so readers
  // may keep it.
  std::shared_ptr<const MailboxRecord> record;
  LogState log;
  std::uint64_t epoch = 0;  // grows when a change affects a message that was there already
};
using Entries = std::map<MailboxId, Entry>;

// All entries. Thread-safe: readers get copies.
class Table {
 public:
  // Returns the entry of a history; nullopt if there is none.
  std::optional<Entry> find(const MailboxId& log) const;
  // Returns the entry of a mailbox that exists. Fails with NotFound.
  Result<Entry> mailbox(const MailboxId& mailbox) const;
  // Returns its epoch. An unchanged epoch means that what was read of old messages is still true.
  Result<std::uint64_t> epoch(const MailboxId& mailbox) const;
  // Returns the ids of all histories, sorted; zero is the vault's.
  std::vector<MailboxId> logs() const;
  std::vector<std::shared_ptr<const MailboxRecord>> mailboxes() const;
  std::size_t count() const;    // number of mailboxes
  std::size_t senders() const;  // number of mailboxes with a sender token

  // Replaces the entries that a batch changed, after the batch is on disk.
  void publish(Entries&& changed);
  // Caches that no live message has a seq below `seq`, unless a message changed since `epoch`.
  void set_oldest(const MailboxId& mailbox, std::uint64_t epoch, std::uint64_t seq);

 private:
  mutable std::shared_mutex mutex_;
  std::unordered_map<MailboxId, Entry> entries_;
  std::size_t count_ = 0;
  std::size_t senders_ = 0;
};

}  // namespace gw::store

// The state of every history and mailbox in memory: what is true between two commits.
//
// Only the leader of the group commit changes it, after its batch is on disk. So every reader sees
// durable data only.
#pragma once

#include <memory>
#include <optional>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "store/stored_values.h"

namespace gw::store {

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

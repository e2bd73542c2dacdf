// One history during a salvage: read from the damaged vault and written to the new one, leaf for
// leaf up to the first one that cannot be read. Leaves after that hole still tell what happened to
// messages, but they are not copied, because a Merkle log cannot have holes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <rocksdb/write_batch.h>

#include "store/local/disk_space.h"
#include "store/local/state.h"
#include "store/rules.h"
#include "store/salvage/salvage_source.h"

namespace gw::store {

// Writes to the new database in batches of a few MiB, without a commit point for each. Fails with
// Full before the disk is full.
class SalvageWriter {
 public:
  SalvageWriter(Engine& engine, DiskSpace& space) : engine_(engine), space_(space) {}

  // Adds one write; flushes when the batch is large enough.
  Result<void> put(Family family, ByteView key, ByteView value);
  // Writes what was put so far.
  Result<void> flush();

 private:
  Engine& engine_;
  DiskSpace& space_;
  rocksdb::WriteBatch writes_;
};

// What the leaves say about one message that is not gone, or not gone by the new history. "The new
// history" means the copied leaves and those that salvage appended.
struct SalvagedState {
  std::optional<State> state;  // by all readable leaves; nullopt if none says
  bool gone = false;           // by any readable leaf
  std::uint64_t seq = 0;       // 0 if unknown
  Micros since = 0;            // time of the last change of state
  std::uint64_t size = 0;      // size as received
  Digest container{};
  Digest envelope{};
  Digest commitment{};
  // An accepted loss came later: the message may be missing legitimately.
  bool before_gap = false;
  std::optional<State> told;   // by the new history; nullopt if it does not know the message
  std::uint64_t told_seq = 0;  // seq by the new history
};

// Reads one history and writes its copy.
class SalvagedLog {
 public:
  // `log` is the mailbox, zero for the vault. `actor` and `now` are for appended leaves.
  SalvagedLog(const MailboxId& log, SalvageWriter& to, std::string actor, Micros now)
      : log_(log), to_(to), actor_(std::move(actor)), now_(now) {}

  // Reads all leaves and copies those before the first hole. Fails with Corrupt if the leaves do
  // not have the root that the stored head names (the copy is complete even then), Version for a
  // leaf of a newer gw.
  Result<void> read(SalvageSource& source);
  // Appends a leaf of salvage's own and returns its index.
  Result<std::uint64_t> append(Leaf leaf);
  // Appends the leaves that lead from the message's state in the new history to the state of its
  // record. May change the record's seq and state.
  Result<void> lead_to(MessageRecord& record, const SalvagedState* fate);
  // Appends the leaf that removes a message that is gone, unless the new history says so already.
  Result<void> lead_away(const MessageId& message, const SalvagedState& fate);
  // Writes the state of the history, with the given counters of messages. Call it last.
  Result<void> finish(const MailboxStat& here);

  bool cut() const { return cut_; }                           // true if leaves are missing
  std::uint64_t size() const { return state_.range.size(); }  // leaves in the new history
  // Returns the fates of all messages that are not gone by the new history.
  const std::unordered_map<MessageId, SalvagedState>& fates() const { return fates_; }
  // Returns the fate of one message; null if there is none.
  const SalvagedState* fate(const MessageId& message) const;
  // A message that is gone by some leaf.
  struct Removed {
    LeafType by{};  // how it left
    std::uint64_t seq = 0;
    // True if the new history says so, or will after lead_away(), and has the leaf `seq`.
    bool told = false;
  };
  const std::unordered_map<MessageId, Removed>& gone() const { return gone_; }
  // Returns digests of the mailbox's record: the newest one that is certain, then those of later
  // changes. A record with none of these digests may be outdated.
  const std::vector<Digest>& records() const { return records_; }
  // For the vault's history: the mailboxes by all leaves, and by the new history. false: removed.
  const std::map<MailboxId, bool>& mailboxes() const { return mailboxes_; }
  const std::map<MailboxId, bool>& told_mailboxes() const { return told_mailboxes_; }

 private:
  // Process one readable leaf: by its kind, and by copying it. See salvage_log.cc.
  Result<void> take(ByteView stored, const Leaf& leaf);
  void take_message(const Leaf& leaf);
  void take_other(const Leaf& leaf);
  Result<void> keep(ByteView stored, const Leaf& leaf);

  const MailboxId log_;
  SalvageWriter& to_;
  const std::string actor_;
  const Micros now_;
  LogState state_;
  bool cut_ = false;
  std::unordered_map<MessageId, SalvagedState> fates_;
  std::unordered_map<MessageId, Removed> gone_;
  std::vector<Digest> records_;
  std::map<MailboxId, bool> mailboxes_;
  std::map<MailboxId, bool> told_mailboxes_;
};

}  // namespace gw::store

// One history, read out of a damaged vault and begun anew in another: leaf for leaf up to the first that
// cannot be read. What the leaves behind that hole tell of messages counts, but they are not in the new one.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <rocksdb/write_batch.h>

#include "store/local/salvage_source.h"
#include "store/local/space.h"
#include "store/local/state.h"
#include "store/rules.h"

namespace gw::store {

// Puts into a new database, some at a time.
class SalvageWriter {
 public:
  SalvageWriter(Engine& engine, Space& space) : engine_(engine), space_(space) {}

  Result<void> put(Family family, ByteView key, ByteView value);
  Result<void> flush();

 private:
  Engine& engine_;
  Space& space_;
  rocksdb::WriteBatch writes_;
};

// What leaves say of a message that is not gone by the new history, or not by any.
struct Fate {
  std::optional<State> state;  // by all that can be read; none: no leaf says
  bool gone = false;
  std::uint64_t seq = 0;  // 0 may be: not known
  Micros since = 0;
  std::uint64_t octets = 0;
  Digest container{};
  Digest envelope{};
  Digest commitment{};
  bool before_gap = false;    // an accepted loss came behind it: it may be missing
  std::optional<State> told;  // by the new history; none: it does not know the message
  std::uint64_t told_seq = 0;
};

class SalvagedLog {
 public:
  SalvagedLog(const MailboxId& log, SalvageWriter& to, std::string actor, Micros now)
      : log_(log), to_(to), actor_(std::move(actor)), now_(now) {}

  // Corrupt: the leaves are not the ones that its head names.
  Result<void> read(SalvageSource& source);
  // A leaf of our own at the end. Gives its index.
  Result<std::uint64_t> append(Leaf leaf);
  // The leaves that lead from what the new history says of a message to its record, whose seq may change.
  Result<void> lead_to(MessageRecord& record, const Fate* fate);
  // Says that a message is gone, where the new history does not.
  Result<void> lead_away(const MessageId& message, const Fate& fate);
  // Its state, with the mailbox's counters of messages.
  Result<void> finish(const MailboxStat& here);

  bool cut() const { return cut_; }  // leaves are missing
  std::uint64_t size() const { return state_.range.size(); }
  const std::unordered_map<MessageId, Fate>& fates() const { return fates_; }
  const Fate* fate(const MessageId& message) const;
  struct Gone {
    LeafType by{};
    std::uint64_t seq = 0;
    bool told = false;  // the new history says so, or will by lead_away(), and has the leaf `seq`
  };
  const std::unordered_map<MessageId, Gone>& gone() const { return gone_; }
  // Of the mailbox's record: the newest one that is known for sure, and what came after it.
  const std::vector<Digest>& records() const { return records_; }
  // Of the vault's own history: by all leaves and by the new history; false: dropped.
  const std::map<MailboxId, bool>& mailboxes() const { return mailboxes_; }
  const std::map<MailboxId, bool>& told_mailboxes() const { return told_mailboxes_; }

 private:
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
  std::unordered_map<MessageId, Fate> fates_;
  std::unordered_map<MessageId, Gone> gone_;
  std::vector<Digest> records_;
  std::map<MailboxId, bool> mailboxes_;
  std::map<MailboxId, bool> told_mailboxes_;
};

}  // namespace gw::store

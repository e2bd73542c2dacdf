// The class behind make_memory_store() (memory_store.h). Include it only in memory_store.cc and
// memory_messages.cc.
#pragma once

#include <map>
#include <mutex>

#include "store/kept_time.h"
#include "store/leases.h"
#include "store/merkle.h"
#include "store/rules.h"
#include "support/memory_store.h"

namespace gw::store {

// Keeps everything in ordered maps under one mutex. It is deliberately simple: tests compare the
// other stores with it, so each rule is either here in its plainest form or in rules.h. See store.h
// for the meaning of the overridden functions.
//
// It shares rules.h (the table of steps, quota and generation, limits of input), resolve.h, the
// encodings of records and leaves, leases, pending tokens and kept time; those have tests of their
// own. It does not use record_changes.h and message_changes.h, which LocalStore uses: that names and
// ids are unique, versions, which messages a transition changes, their seq and counters, ids and
// fingerprints that were there before, and what a dropped mailbox leaves behind are decided here
// again, from other data.
class MemoryStore : public Store {
 public:
  explicit MemoryStore(MemoryOptions options);
  MemoryStore(const MemoryStore& other, bool keep_removal_records);
  Result<Health> health() override;
  Result<void> put_mailbox(const MailboxRecord& record, const std::vector<Slot>& slots,
                           const Note& note) override;
  Result<void> remove_mailbox(const MailboxId& id, std::string_view actor) override;
  Result<MailboxRecord> mailbox(const MailboxId& id) override;
  Result<std::vector<MailboxRecord>> mailboxes() override;
  Result<Recipient> resolve(std::string_view address, Lookup lookup) override;
  Result<MailboxStat> stat(const MailboxId& id) override;
  Result<std::unique_ptr<Append>> begin(const MailboxId& mailbox, const MessageId& message) override;
  // Completes an append: checks and stores the message. Called by MemoryAppend.
  Result<CommitResult> commit(const MailboxId& mailbox, const MessageId& message, const Commit& commit,
                              Bytes container);
  Result<MessageRecord> find(const MailboxId& mailbox, const MessageId& message) override;
  Result<std::vector<MessageRecord>> list(const MailboxId& id, std::uint64_t after,
                                          std::size_t limit) override;
  Result<Bytes> envelope(const MailboxId& mailbox, const MessageId& message) override;
  Result<std::size_t> read(const MailboxId& mailbox, const MessageId& message, std::uint64_t offset,
                           std::span<std::byte> to) override;
  Result<std::size_t> transition(const Transition& transition) override;
  Result<bool> seen(const MailboxId& id, const Digest& fingerprint) override;
  Result<std::unique_ptr<Lease>> acquire(const MailboxId& mailbox, std::string_view owner,
                                         std::chrono::seconds ttl, std::chrono::seconds yields) override;
  Result<std::unique_ptr<MemoryPermit>> permit(std::uint64_t size) override { return permits_.take(size); }

  Result<Record> get(const RecordKey& key) override;
  Result<std::uint64_t> put_if(const RecordKey& key, std::uint64_t version, ByteView value,
                               const Note& note) override;
  Result<void> erase_if(const RecordKey& key, std::uint64_t version, const Note& note) override;
  Result<std::vector<Record>> scan(Kind kind, const MailboxId& mailbox, std::string_view after,
                                   std::size_t limit) override;
  Result<LogHead> history_head(const MailboxId& log) override;
  Result<std::vector<Bytes>> history_read(const MailboxId& log, std::uint64_t from,
                                          std::size_t limit) override;
  Result<std::uint64_t> note(const MailboxId& log, const Leaf& given) override;
  Result<std::string> checkpoint(std::string_view actor) override;
  Result<SweepReport> sweep(std::size_t budget, bool now, const MailboxId& only) override;
  Result<std::vector<RemovalRecord>> removal_records(const MailboxId& mailbox, const MessageId& from,
                                                     std::size_t limit) override;
  Result<Purge> purge(std::uint64_t number) override;
  Result<void> stats(const ServerStats& stats) override {
    stats_table_.add(stats);
    return {};
  }
  Result<std::vector<ServerStats>> server_stats() override { return stats_table_.all(); }

 private:
  // One history, with all its leaves.
  struct Log {
    std::vector<Bytes> leaves;
    CompactRange range;        // over `leaves`
    Micros time = 0;           // of the last leaf
    std::uint64_t headed = 0;  // size that the last Head leaf recorded
  };

  // One message that is present.
  struct Stored {
    MessageRecord record;
    Bytes envelope;
    Bytes container;
    Micros kept = 0;  // kept time when the message was drained
  };

  // Where a message id leads. Never removed, because an id is not used again.
  struct Place {
    std::uint64_t seq = 0;         // key in Mailbox::messages unless gone
    std::optional<LeafType> gone;  // how the message left; nullopt while it is present
  };

  // A removal record.
  struct Gone {
    RemovalRecord record;
    Micros kept = 0;  // kept time when the message was swept
  };

  struct Mailbox {
    MailboxRecord record;
    MailboxStat stat;
    std::map<std::uint64_t, Stored> messages;  // by seq
    std::map<MessageId, Place> places;         // of every message that there ever was
    std::map<Digest, MessageId> seen;          // fingerprint to message
    std::map<MessageId, Gone> swept;           // removal records
  };

  static LogHead head(const Log& log) { return {log.leaves.size(), log.range.root(), log.time}; }

  // Returns a record; the caller holds the mutex, as for all functions below.
  Result<Record> record(const RecordKey& key) const;
  // Returns a message that is present. Fails with NotFound. Valid until the next change.
  Result<Stored*> at(const MailboxId& id, const MessageId& message);

  // Advances the kept time and returns the current moment.
  Moment moment() { return kept_time_.at(options_.clock(), options_.boot_clock()); }
  // Appends a leaf to the history `id`, sets its index and time, and returns the index.
  std::uint64_t grow(const MailboxId& id, Leaf leaf);
  // Writes (or removes, if `value` is nullopt) a record with its leaf; returns the new version.
  Result<std::uint64_t> change(const RecordKey& key, std::uint64_t version, std::optional<ByteView> value,
                               const Note& note);

  // Applies `step` to one message. `together` is the number of messages that change in the same
  // call.
  void move(const MailboxId& id, Mailbox& mailbox, std::uint64_t seq, const Step& step,
            std::string_view actor, std::size_t together);

  const MemoryOptions options_;
  const bool keep_removal_records_ = false;  // see copy_memory_store()
  std::mutex mutex_;
  std::uint64_t purges_ = 0;  // number of the last purge
  std::map<MailboxId, Mailbox> mailboxes_;
  std::map<MailboxId, Log> logs_;
  std::map<RecordKey, Record> records_;
  Leases leases_;
  Permits permits_;
  PendingTokens pending_tokens_;
  KeptTime kept_time_;
  ServerStatsTable stats_table_;
  std::uint64_t commits_ = 0;  // number of leaves ever appended
};

// Returns the error for an unknown mailbox.
inline Error missing_mailbox() {
  return Error(Code::NotFound, "no such mailbox");
}

}  // namespace gw::store

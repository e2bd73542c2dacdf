// The class behind open_local_store() (local_store.h). Include it only in lib/store/local. The
// members are implemented by subject: local_store.cc (life, reading), append.cc, messages.cc,
// changes.cc (records, histories), sweep.cc, removal_records.cc, purge.cc, suspension.cc.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>

#include "store/kept_time.h"
#include "store/leases.h"
#include "store/local/body.h"
#include "store/local/commit.h"
#include "store/local/disk_space.h"
#include "store/local/engine.h"
#include "store/local/head.h"
#include "store/local/large_message.h"
#include "store/local/local_store.h"
#include "store/local/snapshot.h"
#include "store/local/state.h"
#include "store/local/vault_lock.h"
#include "store/message_changes.h"
#include "store/rules.h"

namespace gw::store {

// What opening found. LocalStore takes it over.
struct Opened {
  LocalOptions options;
  VaultId vault;
  VaultLock hold;
  DiskSpace space;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<LargeFiles> large;
  std::optional<HeadFile> head;
  CommitPoint point;  // the database's
  Entries entries;
  Moment kept;                    // as it was stored last
  std::string reason;             // why the store is read-only; empty if it is not
  bool damaged = false;           // acknowledged mail is missing or may be missing; `reason` is set
  std::uint64_t room_wanted = 0;  // read-only because fewer bytes than this are free; 0 otherwise
  // Open for writing although the database is older than the head file.
  bool accept_loss = false;
  std::optional<Loss> loss = {};  // what is missing then
};

// Does everything that opening needs before the Store itself: lock, disk space, database, head
// file.
Result<Opened> open_files(LocalOptions options, bool accept_loss);

// See store.h for the overridden functions and local_store.h for the files.
class LocalStore : public Store {
 public:
  explicit LocalStore(Opened opened);
  ~LocalStore() override;
  LocalStore(const LocalStore&) = delete;
  LocalStore& operator=(const LocalStore&) = delete;

  // Prepares the store for use: makes durable what recovery found, removes files without a message,
  // turns pending messages into unconfirmed ones, starts the timers. Call it once, before anything
  // else.
  Result<void> settle();
  // Starts the history of a vault that was just created.
  Result<void> found(ByteView recovery_recipient);
  // Used instead of settle() for a database that is older than its head file: appends a Gap leaf to
  // every history, moves files without a message to `lost`, and only then writes a head file that
  // agrees. Returns the number of files. After a failure the loss is still visible.
  Result<std::uint64_t> accept_loss(const std::string& lost, std::string_view actor);

  Result<Health> health() override;

  Result<void> put_mailbox(const MailboxRecord& record, const std::vector<Slot>& slots,
                           const Note& note) override;
  Result<void> remove_mailbox(const MailboxId& mailbox, std::string_view actor) override;
  Result<MailboxRecord> mailbox(const MailboxId& mailbox) override;
  Result<std::vector<MailboxRecord>> mailboxes() override;
  Result<Recipient> resolve(std::string_view address, Lookup lookup) override;
  Result<MailboxStat> stat(const MailboxId& mailbox) override;

  Result<std::unique_ptr<Append>> begin(const MailboxId& mailbox, const MessageId& message) override;
  Result<MessageRecord> find(const MailboxId& mailbox, const MessageId& message) override;
  Result<std::vector<MessageRecord>> list(const MailboxId& mailbox, std::uint64_t after,
                                          std::size_t limit) override;
  Result<Bytes> envelope(const MailboxId& mailbox, const MessageId& message) override;
  Result<std::size_t> read(const MailboxId& mailbox, const MessageId& message, std::uint64_t offset,
                           std::span<std::byte> to) override;
  Result<std::size_t> transition(const Transition& transition) override;
  Result<bool> seen(const MailboxId& mailbox, const Digest& fingerprint) override;

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
  Result<std::uint64_t> note(const MailboxId& log, const Leaf& leaf) override;
  Result<std::size_t> note_messages(const MailboxId& mailbox, const Leaf& like,
                                    std::span<const MessageId> messages) override;
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
  Result<std::unique_ptr<Snapshot>> snapshot() override;
  Result<std::unique_ptr<Suspension>> suspend() override;

 private:
  friend class LocalAppend;
  friend class LocalSuspension;
  struct Examined;
  struct Expiring;

  // Returns the error for changes to a read-only store.
  Error read_only() const;
  // Runs a change function through group commit. Every change goes through here.
  Result<void> change(std::size_t size, const ChangeFn& change);
  // Writes (or removes, if `value` is nullopt) a record if it has `version`; returns the new
  // version.
  Result<std::uint64_t> change_record(const RecordKey& key, std::uint64_t version,
                                      std::optional<ByteView> value, const Note& note);
  // Returns which messages a transition changes; valid while the mailbox's epoch stays the same.
  Result<Examined> examine(const Transition& transition, const Step& step) const;
  // The parts of removal records that must be read from bodies, collected before the commit.
  struct Remains {
    std::unordered_map<MessageId, RemovalRecord> of;  // without `record` and `gone`
    std::size_t size = 0;                             // bytes that they add to a batch
    // Messages examined before there was enough for one commit.
    std::size_t looked = 0;
  };
  // Reads the header and envelope for a removal record; nullopt if the body cannot be read.
  std::optional<RemovalRecord> removal_record_of(const MailboxId& mailbox, const MessageRecord& record);
  // Reads them for many messages, as far as one commit should hold.
  Remains remains_of(const MailboxId& mailbox, std::span<const MessageRecord> records, const Step& step);
  // Returns what Moving::remains gets: the collected parts, or those that can still be read. All
  // arguments must outlive the result.
  std::function<std::optional<RemovalRecord>(const MessageRecord&)> remains_from(const Remains& remains,
                                                                                 const Batch& batch,
                                                                                 const MailboxId& mailbox);
  // One call of sweep().
  struct Sweep {
    std::size_t budget = 0;   // see Store::sweep()
    bool trust_wall = false;  // see grace_over()
    MailboxId only;           // zero: all mailboxes
    Moment at;                // when the sweep began
    // The disk is full: remove drained messages before their grace period ends.
    bool cut = false;
  };
  // Removes, or with a budget of 0 counts, the removal records whose time is over.
  Result<void> expire_removal_records(const MailboxRecord& mailbox, const Sweep& sweep, SweepReport& report);
  // Returns the current moment; thread-safe.
  Moment moment();
  // Stores the kept time with a change that depends on it.
  void note_kept(Batch& batch, const Moment& at);
  // Sets the current kept time in entries that have none, once after each start.
  Result<void> stamp_kept();
  Result<void> stamp_kept(const MailboxId& mailbox, char tag);
  // Releases, after a commit, what removed or settled messages hold outside of the database: files,
  // cached bodies, pending tokens.
  void release(const MailboxId& mailbox, const std::vector<MessageRecord>& messages, const Step& step);
  // Returns true if the disk has been full long enough to cut grace periods.
  bool may_cut();
  // Returns true if removing everything drained would free `missing`.
  Result<bool> drained_covers(const Room& missing, const MailboxId& only) const;
  // Removes the oldest drained messages, as many as the full disk needs.
  Result<void> cut_grace(Sweep sweep, SweepReport& report);
  // Counts what a sweep would remove.
  Result<void> count_due(const MailboxRecord& mailbox, const Sweep& sweep, SweepReport& report);
  // Returns the oldest `most` messages that are due.
  Result<std::vector<Expiring>> expiring(std::size_t most, const Sweep& sweep) const;
  // Removes chosen messages: one commit of one mailbox, and all of them.
  Result<void> expire(const MailboxId& mailbox, std::span<const Expiring>& chosen, const Sweep& sweep,
                      SweepReport& report);
  Result<void> expire(std::vector<Expiring> chosen, const Sweep& sweep, SweepReport& report);
  // Turns all pending messages into unconfirmed ones.
  Result<void> unconfirm();
  Result<bool> named(const MessageId& message) const;  // true if any mailbox has this message
  // Does the work of accept_loss().
  Result<std::uint64_t> fill_gap(const std::string& lost, std::string_view actor);

  // Calls `work` with this pause between two calls until the store closes.
  void run_periodically(std::chrono::milliseconds pause, const std::function<void()>& work);
  // The work of the two timers: the head file, and free space.
  void update_head();
  void check_disk_space();
  // The purge thread, one purge, and whether one is running.
  void purge_as_asked();
  Result<void> purge_now();
  bool purging() const;
  // Converts an error of a large file: after a failed write or sync (Io) the whole store fails,
  // even though only one message is affected. Returns the error for the caller.
  Error fail_store(const Error& error);

  const LocalOptions options_;
  const VaultId vault_;
  // The order of members matters: later ones refer to earlier ones and are destroyed first.
  VaultLock hold_;
  DiskSpace space_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<LargeFiles> large_;
  Table table_;
  Bodies bodies_;
  // Written by the timer thread and, after that has ended, by the destructor. nullopt in a
  // read-only store without a head file.
  std::optional<HeadFile> head_;
  const std::string reason_;  // why the store is read-only; empty if it is not
  const bool damaged_;
  const bool disk_read_only_;        // the file system was mounted read-only at open
  const std::uint64_t room_wanted_;  // see Opened
  Leases leases_;
  Permits permits_;
  PendingTokens pending_tokens_;
  ServerStatsTable stats_table_;
  Snapshots snapshots_;
  // Guards the members up to cutting_failed_.
  std::mutex clock_mutex_;
  KeptTime kept_time_;
  Micros kept_noted_ = 0;                            // kept time that the database has
  bool kept_stamped_ = false;                        // every `d` and `x` entry has its kept time
  std::optional<BootClock::time_point> full_since_;  // nullopt while the disk is not full
  bool cutting_failed_ = false;  // cutting grace periods did not free as much as it should
  Commits commits_;
  std::atomic<std::uint64_t> append_memory_ = 0;  // bytes held by all open appends
  // Guards committing_: the messages that are being committed, see LocalAppend::commit().
  std::mutex committing_mutex_;
  std::set<std::pair<MailboxId, MessageId>> committing_;

  // On the heap, so that a forked child can leave it undestroyed.
  struct Pause {
    std::mutex mutex;
    std::condition_variable wake;
    bool stopping = false;
  };
  std::unique_ptr<Pause> pause_ = std::make_unique<Pause>();
  // The purge thread and its orders.
  struct Purging {
    std::mutex mutex;
    std::condition_variable changed;
    std::uint64_t asked = 0;      // number of the last purge that was requested
    std::uint64_t done = 0;       // number of the last one that ended
    std::optional<Error> failed;  // why the last one failed
    bool stopping = false;
    std::thread thread;  // started with the first purge
  };
  std::unique_ptr<Purging> purging_ = std::make_unique<Purging>();
  std::atomic<bool> deleted_ = false;  // bodies were deleted since space was last reclaimed
  bool was_full_ = false;              // used by the upkeep thread only
  bool compactions_paused_ = false;    // used by the upkeep thread only
  std::thread timer_;                  // runs update_head()
  std::thread upkeep_;                 // runs check_disk_space()
};

}  // namespace gw::store

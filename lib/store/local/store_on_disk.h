// The Store over one vault's files. Made by open_local_store (local_store.h); not for others to include.
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
#include "store/local/engine.h"
#include "store/local/head.h"
#include "store/local/hold.h"
#include "store/local/large.h"
#include "store/local/local_store.h"
#include "store/local/snapshot.h"
#include "store/local/space.h"
#include "store/local/state.h"
#include "store/rules.h"

namespace gw::store {

// What opening found; the store lives on it.
struct Opened {
  LocalOptions options;
  VaultId vault;
  Hold hold;
  Space space;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<LargeFiles> large;
  std::optional<HeadFile> head;
  CommitPoint point;
  Entries entries;
  Moment kept;                    // as it was written down last
  std::string reason;             // why it is read-only; empty: it is not
  bool damaged = false;           // then: acknowledged mail is missing, or may be
  std::uint64_t room_wanted = 0;  // read-only because there is less room than this
  bool accept_loss = false;       // a database that is behind its head file is opened for writing
  std::optional<Loss> loss = {};  // then: how far behind
};

// Everything that opening does, up to the Store itself.
Result<Opened> open_files(LocalOptions options, bool accept_loss);

class LocalStore : public Store {
 public:
  explicit LocalStore(Opened opened);
  ~LocalStore() override;
  LocalStore(const LocalStore&) = delete;
  LocalStore& operator=(const LocalStore&) = delete;

  // What is to be done before anybody else uses it: nothing that was found may be taken back by a power cut,
  // files without a message go, pending messages become unconfirmed.
  Result<void> settle();
  // Begins the history of a vault that was just made.
  Result<void> found(ByteView recovery_recipient);
  // Instead of settle(), for a database that is behind its head file: a Gap leaf in every history, files that
  // no message names put into `lost`, and only then a head file that agrees. Gives how many files. After a
  // failure the loss is still to be seen.
  Result<std::uint64_t> accept_loss(const std::string& lost, std::string_view actor);

  Result<Health> health() override;

  Result<void> put_mailbox(const MailboxRecord& record, const std::vector<Slot>& slots,
                           const Note& note) override;
  Result<void> drop_mailbox(const MailboxId& mailbox, std::string_view actor) override;
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
  Result<std::unique_ptr<Permit>> permit(std::uint64_t octets) override { return permits_.take(octets); }

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
  Result<std::vector<Swept>> swept(const MailboxId& mailbox, const MessageId& from,
                                   std::size_t limit) override;
  Result<Purge> purge(std::uint64_t number) override;
  Result<void> tally(const Tally& tally) override {
    tallies_.add(tally);
    return {};
  }
  Result<std::vector<Tally>> tallies() override { return tallies_.all(); }
  Result<std::unique_ptr<Snapshot>> snapshot() override;
  Result<std::unique_ptr<Suspension>> suspend() override;

 private:
  friend class LocalAppend;
  friend class LocalSuspension;
  struct Examined;
  struct Expiring;

  Error read_only() const;
  Result<void> change(std::size_t octets, const Judge& judge);
  Result<std::uint64_t> change_record(const RecordKey& key, std::uint64_t version,
                                      std::optional<ByteView> value, const Note& note);
  Result<Where> where(const MailboxId& mailbox, const MessageId& message) const;
  Result<std::optional<MessageRecord>> message(const MailboxId& mailbox, std::uint64_t seq) const;
  Result<Examined> examine(const Transition& transition, const Step& step) const;
  struct Remains {  // for receipts
    std::unordered_map<MessageId, Swept> of;
    std::size_t octets = 0;
    std::size_t looked = 0;  // at so many messages, then there was enough for one commit
  };
  struct Changes {
    const Step& step;
    std::string_view actor;
    Micros kept = 0;
    std::size_t together = 0;  // so many messages
    const Remains& remains;
  };
  void move(Batch& batch, const MailboxId& mailbox, MessageRecord record, const Changes& changes);
  std::optional<Swept> receipt_of(const MailboxId& mailbox, const MessageRecord& record);
  Remains remains_of(const MailboxId& mailbox, std::span<const MessageRecord> records, const Step& step);
  void leave_receipt(Batch& batch, const MailboxId& mailbox, const MessageRecord& record,
                     const Changes& changes);
  struct Sweep {  // one call of sweep()
    std::size_t budget = 0;
    bool trust_wall = false;
    MailboxId only;
    Moment at;
    bool cut = false;  // no grace time counts
  };
  Result<void> expire_receipts(const MailboxRecord& mailbox, const Sweep& sweep, SweepReport& report);
  Moment moment();
  void note_kept(Batch& batch, const Moment& at);
  Result<void> stamp_kept();
  Result<void> stamp_kept(const MailboxId& mailbox, char tag);
  // After the commit: what the removed or settled ones leave behind outside the database.
  void let_go(const MailboxId& mailbox, const std::vector<MessageRecord>& messages, const Step& step);
  bool may_cut();
  Result<bool> drained_covers(const Room& missing, const MailboxId& only) const;
  Result<void> cut_grace(Sweep sweep, SweepReport& report);
  Result<void> count_due(const MailboxRecord& mailbox, const Sweep& sweep, SweepReport& report);
  Result<std::vector<Expiring>> expiring(std::size_t most, const Sweep& sweep) const;
  Result<void> expire(const MailboxId& mailbox, std::span<const Expiring>& chosen, const Sweep& sweep,
                      SweepReport& report);
  Result<void> expire(std::vector<Expiring> chosen, const Sweep& sweep, SweepReport& report);
  Result<void> unconfirm();
  Result<bool> named(const MessageId& message) const;  // by any mailbox's message
  Result<std::uint64_t> fill_gap(const std::string& lost, std::string_view actor);

  void every_so_often(std::chrono::milliseconds pause, const std::function<void()>& work);
  void mind_head();
  void mind_space();
  void purge_as_asked();
  Result<void> purge_now();
  bool purging() const;
  // A sync that failed is the end of the store, also where only one message is hurt. Gives what to answer.
  Error hurt(const Error& error);

  const LocalOptions options_;
  const VaultId vault_;
  Hold hold_;
  Space space_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<LargeFiles> large_;
  Table table_;
  Bodies bodies_;
  std::optional<HeadFile> head_;  // the timer's, and the destructor's
  const std::string reason_;
  const bool damaged_;
  const bool disk_read_only_;
  const std::uint64_t room_wanted_;
  Leases leases_;
  Permits permits_;
  Receipts receipts_;
  Tallies tallies_;
  Snapshots snapshots_;
  std::mutex clock_mutex_;
  KeptTime kept_time_;
  Micros kept_noted_ = 0;      // kept time in the database
  bool kept_stamped_ = false;  // every `d` and `x` entry has its kept time
  std::optional<BootClock::time_point> full_since_;
  bool cutting_failed_ = false;  // cutting grace times has not made the room that it should
  Commits commits_;
  std::atomic<std::uint64_t> append_memory_ = 0;
  std::mutex committing_mutex_;
  std::set<std::pair<MailboxId, MessageId>> committing_;

  struct Pause {
    std::mutex mutex;
    std::condition_variable wake;
    bool stopping = false;
  };
  std::unique_ptr<Pause> pause_ = std::make_unique<Pause>();
  struct Purging {
    std::mutex mutex;
    std::condition_variable changed;
    std::uint64_t asked = 0;
    std::uint64_t done = 0;
    std::optional<Error> failed;  // the last one did
    bool stopping = false;
    std::thread thread;  // begun with the first that is asked for
  };
  std::unique_ptr<Purging> purging_ = std::make_unique<Purging>();
  std::atomic<bool> deleted_ = false;  // bodies since room was last given back
  bool was_full_ = false;
  std::thread timer_;
  std::thread upkeep_;
};

// A stored record's value: its version in front.
Bytes with_version(std::uint64_t version, ByteView value);
Result<Record> without_version(const RecordKey& key, ByteView stored);

}  // namespace gw::store

// The class behind open_rados_store() (rados_store.h). Include it only in lib/store/rados. The
// members are implemented by subject: open.cc, reading.cc, append.cc, messages.cc, records.cc,
// sweep.cc, upkeep.cc, purge.cc.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "store/kept_time.h"
#include "store/leases.h"
#include "store/message_changes.h"
#include "store/rados/index.h"
#include "store/rados/intent.h"
#include "store/rados/rados_store.h"
#include "store/rules.h"

namespace gw::store::rados {

// A message whose container has arrived, on its way into the store.
struct Delivery {
  MessageId message;
  const Commit* commit = nullptr;
  MessageRecord record;
  Bytes leaf;
  Bytes container;  // empty if it is in parts
  Place place;
  Result<void> result = Error(Code::Internal, "the delivery has not ended");
  bool taken = false;  // by the thread that writes its pack
  bool done = false;

  std::size_t size() const { return container.size() + commit->envelope.size() + 1024; }
};

// A mailbox that this keeper has changed.
struct Mailbox {
  Mailbox(Context& context, const MailboxId& id) : index(context, id) {}

  Index index;
  // The deliveries that wait for a pack. One pack is written at a time, with all that wait.
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Delivery*> queue;
  bool packing = false;
};

class RadosStore : public Store {
 public:
  RadosStore(std::unique_ptr<Cluster> cluster, const VaultId& vault, RadosOptions options,
             const Moment& kept);
  ~RadosStore() override;
  RadosStore(const RadosStore&) = delete;
  RadosStore& operator=(const RadosStore&) = delete;

  // Finishes what another keeper left, and turns its pending messages into unconfirmed ones. Call it
  // once, before anything else.
  Result<void> settle();

  Limits limits() const override;
  Result<Health> health() override;
  Result<VaultId> vault_id() override { return vault_; }

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
  Result<std::unique_ptr<Snapshot>> snapshot() override {
    return Error(Code::Unavailable, "a vault in a RADOS cluster has no files to copy");
  }
  Result<std::unique_ptr<Suspension>> suspend() override {
    return Error(Code::Unavailable, "a vault in a RADOS cluster cannot be moved yet");
  }

 private:
  friend class RadosAppend;
  struct Expiring;

  // Turns the pending messages of a mailbox into unconfirmed ones.
  Result<void> unconfirm(const MailboxId& mailbox);

  // The index of a mailbox or, with a zero id, of the vault.
  std::shared_ptr<Mailbox> at(const MailboxId& log);
  // Runs a change of one index.
  Result<void> change(const MailboxId& log, std::size_t size, bool frees, const ChangeFn& change);

  // What the index of a mailbox says. `record` is null if the mailbox was removed.
  Result<Loaded> look(const MailboxId& log);
  // The same of a mailbox that exists.
  Result<Loaded> existing(const MailboxId& mailbox);
  // Ids of all mailboxes that ever were, with whether they are still there.
  Result<std::map<MailboxId, bool>> directory();
  // Returns the leaves of an `h` object.
  Result<std::vector<Bytes>> leaves_of(const MailboxId& log, std::uint64_t block);
  Result<Place> place_of(const MailboxId& mailbox, const std::string& key);
  // Returns the envelope and the container of an entry that is not in parts.
  struct Body {
    PackCache::Content pack;
    ByteView envelope;
    ByteView container;
  };
  Result<Body> body_at(const MailboxId& mailbox, const Place& place);
  Result<std::size_t> read_container(const MailboxId& mailbox, const Place& place, std::uint64_t offset,
                                     std::span<std::byte> to);
  // The two as a caller should see them: a message that was removed meanwhile is not damaged.
  Error missing_body(const MailboxId& mailbox, const MessageId& message, const Error& error);
  Result<Record> get_any(const RecordKey& key);

  Result<std::uint64_t> change_record(const RecordKey& key, std::uint64_t version,
                                      std::optional<ByteView> value, const Note& note);

  // Stores a message: small ones together with others that wait, one with parts alone.
  void deliver(Mailbox& mailbox, Delivery& me);
  void deliver_pack(Mailbox& mailbox, std::span<Delivery* const> deliveries, const PackId& pack,
                    PackBuilder builder, const std::function<void()>& written);
  Result<void> write_pack(const MailboxId& mailbox, const PackId& pack, std::string content);
  // Removes the objects of a pack that nothing names, now or in a later sweep.
  void abandon(Mailbox& mailbox, const PackId& pack, std::uint32_t parts, bool certain);

  // The parts of removal records that come from bodies, see LocalStore.
  struct Remains {
    std::unordered_map<MessageId, RemovalRecord> of;
    std::size_t size = 0;
    std::size_t looked = 0;
    // set by the function of remains_from() if a body could not be read: the change must fail
    std::optional<Error> failed;
  };
  Result<std::optional<RemovalRecord>> remains_of(const ClusterReader& reader, const MailboxId& mailbox,
                                                  const MessageId& message);
  Result<Remains> remains_of(const MailboxId& mailbox, const MailboxRecord& record,
                             std::span<const MessageRecord> messages, const Step& step);
  std::function<std::optional<RemovalRecord>(const MessageRecord&)> remains_from(Remains& remains,
                                                                                 const Batch& batch,
                                                                                 const MailboxId& mailbox);
  void release(const MailboxId& mailbox, const std::vector<MessageRecord>& messages);

  struct Sweep {
    std::size_t budget = 0;
    bool trust_wall = false;
    Moment at;
  };
  Moment moment();
  void note_kept(Batch& batch, const MailboxId& log, const Moment& at);
  Result<void> note_time(const Moment& at);
  Result<std::vector<Expiring>> expiring(std::size_t most, const Sweep& sweep,
                                         std::span<const MailboxRecord> mailboxes);
  Result<void> count_due(const MailboxRecord& mailbox, const Sweep& sweep, SweepReport& report);
  Result<void> expire(const MailboxRecord& mailbox, std::span<const Expiring>& chosen, const Sweep& sweep,
                      SweepReport& report);
  Result<void> expire_records(const MailboxRecord& mailbox, const Sweep& sweep, SweepReport& report);

  // Work of a sweep that nobody sees: see upkeep.cc.
  Result<void> upkeep(const MailboxId& log, bool dropped);
  Result<void> roll(const MailboxId& log);
  Result<void> remove_unnamed(const MailboxId& mailbox);
  Result<void> remove_orphans(const MailboxId& mailbox);
  Result<void> clean(const MailboxId& mailbox);
  void retry_abandoned();

  void purge_as_asked();
  Result<void> purge_now();
  Result<void> rewrite(const MailboxId& mailbox, const PackId& pack);

  const RadosOptions options_;
  const VaultId vault_;
  const std::unique_ptr<Cluster> cluster_;
  Context context_;
  PackCache packs_;
  Leases leases_;
  Permits permits_;
  PendingTokens tokens_;
  ServerStatsTable stats_table_;

  std::mutex mailboxes_mutex_;
  std::map<MailboxId, std::shared_ptr<Mailbox>> mailboxes_;

  std::mutex clock_mutex_;
  KeptTime kept_time_;
  Micros kept_noted_ = 0;

  std::atomic<std::uint64_t> append_memory_ = 0;
  // The messages that are being committed.
  std::mutex committing_mutex_;
  std::set<std::pair<MailboxId, MessageId>> committing_;

  struct Abandoned {
    MailboxId mailbox;
    PackId pack;
    std::uint32_t parts = 0;
    BootClock::time_point since;
  };
  std::mutex abandoned_mutex_;
  std::vector<Abandoned> abandoned_;

  // What health() says of the mailboxes; nullopt after a change of one.
  std::mutex counts_mutex_;
  struct Counts {
    std::uint64_t mailboxes = 0;
    bool senders = false;
    BootClock::time_point seen;
  };
  std::optional<Counts> counts_;

  struct Purging {
    std::mutex mutex;
    std::condition_variable changed;
    std::uint64_t asked = 0;
    std::uint64_t done = 0;
    std::optional<Error> failed;
    std::atomic<bool> stopping = false;
    std::thread thread;
  };
  Purging purging_;
};

}  // namespace gw::store::rados

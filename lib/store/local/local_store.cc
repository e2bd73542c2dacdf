#include "store/local/local_store.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/file.h"
#include "base/log.h"
#include "store/local/local_store_private.h"
#include "store/resolve.h"
#include "store/vault_format.h"

namespace gw::store {

LocalStore::LocalStore(Opened opened)
    : options_(std::move(opened.options)),
      vault_(opened.vault),
      hold_(std::move(opened.hold)),
      space_(std::move(opened.space)),
      engine_(std::move(opened.engine)),
      large_(std::move(opened.large)),
      bodies_(*engine_),
      head_(std::move(opened.head)),
      reason_(std::move(opened.reason)),
      damaged_(opened.damaged),
      disk_read_only_(space_.read_only()),
      room_wanted_(opened.room_wanted),
      leases_(options_.boot_clock),
      permits_(options_.permit_bytes),
      snapshots_(options_.path),
      kept_time_(opened.kept, options_.clock(), options_.boot_clock(), options_.most_unseen),
      kept_noted_(opened.kept.kept),
      commits_(*engine_, table_, space_, opened.point,
               {options_.clock, [this](const Error& error) {
                  log::error("store failed", {{"vault", options_.path}, {"reason", error.text()}});
                  if (options_.failed) options_.failed(error);
                }}) {
  engine_->on_no_space([this] { space_.ran_out(); });
  // A read-only store refuses every change through the same path as one that has failed.
  table_.publish(std::move(opened.entries));
  if (!reason_.empty()) commits_.close(read_only());
}

LocalStore::~LocalStore() {
  if (!hold_.mine()) {
    // A child created by fork has none of these threads, so the objects that they share cannot even
    // be destroyed. And RocksDB and the head file belong to the parent: closing them here would
    // write to its files.
    for (std::thread* thread : {&timer_, &upkeep_, &purging_->thread}) {
      if (thread->joinable()) thread->detach();
    }
    engine_.release();
    pause_.release();
    purging_.release();
    return;
  }
  {
    const std::lock_guard lock(pause_->mutex);
    pause_->stopping = true;
  }
  pause_->wake.notify_all();
  {
    const std::lock_guard lock(purging_->mutex);
    purging_->stopping = true;
  }
  purging_->changed.notify_all();
  // A compaction can take minutes; the service manager kills a process that takes that long to end.
  engine_->cancel_compactions();
  for (std::thread* thread : {&timer_, &upkeep_, &purging_->thread}) {
    if (thread->joinable()) thread->join();
  }
  // No change may follow the head file that is written below.
  commits_.close(Error(Code::Unavailable, "the store is closed"));
  // After a failure the head file stays as it is: it tells the next open which commits were
  // acknowledged.
  if (!reason_.empty() || commits_.failed() || !head_) return;
  // Marks the head file as clean only after a successful flush: the next open then has no log to
  // replay and no unnamed files to look for. Without space for the flush the next open does both.
  // The same holds for the names of large files: a power cut could bring back one that was removed,
  // and its message id would count as taken.
  space_.look([&] { return engine_->promised(); });
  if (space_.room_for_flush() && engine_->flush() && sync_folder(options_.path + "/large")) {
    if (auto written = head_->write({commits_.point(), true}); !written)
      log::error("vault not closed cleanly", {{"vault", options_.path}, {"reason", written.error().text()}});
  }
}

Error LocalStore::read_only() const {
  return Error(Code::Unavailable, "the vault is read-only: " + reason_);
}

Result<void> LocalStore::found(ByteView recovery_recipient) {
  Leaf leaf;
  leaf.type = LeafType::VaultMade;
  if (!recovery_recipient.empty()) leaf.container = sha256(recovery_recipient);
  return change(1024, [&](Batch& batch) -> Result<ChangeResult> {
    batch.make({});
    batch.leaf({}, leaf);
    return ChangeResult::Done;
  });
}

Result<void> LocalStore::settle() {
  space_.look([&] { return engine_->promised(); });
  if (reason_.empty()) {
    // After a crash the order matters:
    //
    // 1. Flush. Recovery may have read log records that are in the page cache but not on disk.
    // Without the flush a power cut could take back what this process shows to clients from now on.
    //
    // 2. Only then remove large files that no message names. If the database could still lose
    // messages, their files would be lost with them.
    //
    // 3. Write the head file, which from now on marks the store as in use.
    //
    // 4. Change pending messages, which is the first new commit.
    if (!head_->head().clean) {
      if (auto flushed = engine_->flush(); !flushed) return flushed;
      const auto known = [this](const MessageId& message) { return named(message); };
      if (auto cleared = large_->remove_unnamed(known); !cleared) return cleared;
    }
    if (auto cleared = large_->clear_unfinished(); !cleared) return cleared;
    if (auto written = head_->write({commits_.point(), false}); !written) return written;
    if (auto done = unconfirm(); !done) return done;
  }
  // Two threads, because a compaction in the second one may take long, and the head file must never
  // be more than about a second old.
  try {
    timer_ =
        std::thread([this] { run_periodically(std::chrono::milliseconds(900), [this] { update_head(); }); });
    upkeep_ = std::thread(
        [this] { run_periodically(std::chrono::milliseconds(200), [this] { check_disk_space(); }); });
  } catch (const std::system_error& error) {
    return Error(Code::Busy, std::string("cannot start a thread: ") + error.what());
  }
  return {};
}

Result<bool> LocalStore::named(const MessageId& message) const {
  bool found = false;
  const Key prefix = Key('i').id(message);
  auto scanned = engine_->scan(Family::Messages, prefix, after(prefix), [&](ByteView, ByteView value) {
    const auto place = decode_where(value);
    // An entry that cannot be decoded counts as a message, so that its file is kept.
    found = found || !place || !place->gone;
    return true;
  });
  if (!scanned) return scanned.error();
  return found;
}

// Every pending message that a starting keeper finds: its pending token was lost with the previous
// keeper, so nothing can settle it any more. It becomes visible, because gw-proxy may have told the
// client that the mail was accepted.
Result<void> LocalStore::unconfirm() {
  std::map<MailboxId, std::vector<MessageId>> found;
  const Key prefix = Key('p');
  auto scanned = engine_->scan(Family::Messages, prefix, after(prefix), [&](ByteView key, ByteView value) {
    found[MailboxId::from(key.subspan(1, 16))].push_back(MessageId::from(value));
    return true;
  });
  if (!scanned) return scanned;
  for (const auto& [mailbox, messages] : found) {
    Transition transition;
    transition.mailbox = mailbox;
    transition.messages = messages;
    transition.from = State::Pending;
    transition.to = State::Unconfirmed;
    transition.actor = "start";
    if (auto done = this->transition(transition); !done) return done.error();
  }
  return {};
}

Result<void> LocalStore::change(std::size_t size, const ChangeFn& change) {
  // A forked child shares RocksDB's descriptors but has none of its threads: a write from it would
  // corrupt the log.
  if (!hold_.mine()) return Error(Code::Internal, "the store must not be used in a forked process");
  return commits_.run(size, change);
}

void LocalStore::run_periodically(std::chrono::milliseconds pause, const std::function<void()>& work) {
  std::unique_lock lock(pause_->mutex);
  while (!pause_->wake.wait_for(lock, pause, [this] { return pause_->stopping; })) {
    // Unlocked while working, so that the destructor can set `stopping` at any time.
    lock.unlock();
    work();
    lock.lock();
  }
}

// Writes how far commits go, if that has changed. Writing it with each commit would cost a second
// sync for each; a second of delay only means that the loss of the last second's commits would not
// be noticed.
void LocalStore::update_head() {
  if (engine_->failed()) commits_.fail(Error(Code::Io, "the database no longer accepts writes"));
  if (!reason_.empty() || commits_.failed()) return;
  const CommitPoint point = commits_.point();
  if (point == head_->head().point) return;
  if (auto written = head_->write({point, false}); !written) commits_.fail(written.error());
}

void LocalStore::check_disk_space() {
  space_.look([&] { return engine_->promised(); });
  // A store that is read-only for lack of space, or because of a read-only mount, cannot become
  // writable in place. It reports a failure, so that the process exits and its successor opens the
  // vault for writing.
  if (room_wanted_ != 0 && space_.free_bytes() >= room_wanted_)
    commits_.fail(Error(Code::Full, "there is enough disk space again: the vault must be reopened"));
  if (disk_read_only_ && !space_.read_only())
    commits_.fail(Error(Code::Unavailable, "the disk is writable again: the vault must be reopened"));
  if (!reason_.empty() || commits_.failed()) return;
  const bool full = space_.full();
  // First, because a purge takes space while it runs.
  if (!space_.room_for_purge()) engine_->cancel_purge();
  if (full != was_full_) {
    log::warning(full ? "disk full" : "disk space available", {{"free", space_.free_bytes()}});
    was_full_ = full;
  }
  if (full) {
    // The disk is full. Free what can be freed, the cheapest first: the ballast, then a snapshot (a
    // backup can be repeated, mail that is refused may be lost), then deleted bodies.
    space_.release_ballast();
    snapshots_.give_up();
    space_.look([&] { return engine_->promised(); });
  }
  // Everything below writes to the database, if only a line of its manifest. Other programs may
  // have taken even the ballast's space: then it is put off, so that this thread goes on looking.
  if (space_.free_bytes() < space_.marks().floor) return;
  if (full != compactions_paused_) {
    engine_->pause_compactions(full);
    compactions_paused_ = full;
  }
  if (!full) {
    space_.restore_ballast();
    // Moves live bodies out of files that are mostly garbage. Only if it pays: each byte moved
    // frees at least one; and only with ample space, because both copies exist until the end.
    const Engine::BodySizes sizes = engine_->body_sizes();
    const std::uint64_t left = sizes.all - std::min(sizes.all, sizes.deleted);
    constexpr std::uint64_t kWorthwhile = 64 << 20;
    if (!purging() && sizes.deleted > kWorthwhile && sizes.deleted > left &&
        space_.free_bytes() > space_.marks().high + 2 * left + space_.promised()) {
      if (auto done = engine_->compact_bodies(true); !done) commits_.fail(done.error());
    }
    return;
  }
  if (!deleted_ && space_.promised() < space_.marks().floor) return;
  // The flush deletes the write-ahead log; compaction then deletes files whose bodies are all
  // deleted. It moves nothing, because that would need space.
  if (!space_.room_for_flush()) return;
  const bool deleted = deleted_.exchange(false);
  if (auto done = engine_->flush(); !done) return commits_.fail(done.error());
  if (!deleted) return;
  if (auto done = engine_->compact_bodies(false); !done) commits_.fail(done.error());
}

Result<Health> LocalStore::health() {
  Health health;
  health.vault = vault_;
  health.kind = kLocalKind;
  health.writable = reason_.empty() && !commits_.failed();
  health.full = space_.full();
  health.damaged = damaged_;
  health.reason = reason_;
  if (reason_.empty() && commits_.failed()) health.reason = "a write failed";
  health.free_bytes = space_.free_bytes();
  health.disk_bytes = space_.disk_bytes();
  health.free_inodes = space_.free_inodes();
  health.commits = commits_.point().number;
  health.mailboxes = table_.count();
  health.queued = commits_.queued();
  health.syncs = commits_.syncs();
  health.senders = table_.senders() > 0;
  if (options_.signer.verifier) health.verifier = options_.signer.verifier(vault_);
  health.troubles = troubles_of_disk(health);
  return health;
}

Result<MailboxRecord> LocalStore::mailbox(const MailboxId& id) {
  auto entry = table_.mailbox(id);
  if (!entry) return entry.error();
  return *entry->record;
}

Result<std::vector<MailboxRecord>> LocalStore::mailboxes() {
  std::vector<MailboxRecord> all;
  for (const auto& record : table_.mailboxes()) all.push_back(*record);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return all;
}

Result<Recipient> LocalStore::resolve(std::string_view address, Lookup lookup) {
  const auto get_record = [&](const RecordKey& key) -> Result<Record> {
    // Whether a mailbox exists is answered from memory.
    if (key.kind != Kind::Mailbox) return get(key);
    auto entry = table_.mailbox(key.mailbox);
    if (!entry) return entry.error();
    return Record{key, {}, entry->record->version};
  };
  auto id = store::resolve(vault_, get_record, address, lookup);
  // A damaged vault may have lost this very mailbox. The sender must be asked to retry (451), not
  // told that the mailbox does not exist (550).
  if (!id && id.error().code() == Code::NotFound && !reason_.empty()) return read_only();
  if (!id) return id.error();
  auto entry = table_.mailbox(*id);
  if (!entry) return entry.error();
  return recipient(*entry->record, entry->log.stat);
}

Result<MailboxStat> LocalStore::stat(const MailboxId& id) {
  auto entry = table_.mailbox(id);
  if (!entry) return entry.error();
  // The oldest live message is not counted along, because a drain would have to search for the next
  // one. It is searched here, from the last known position on, and the result is cached.
  MailboxStat stat = entry->log.stat;
  stat.log_size = entry->log.range.size();
  if (stat.live == 0) return stat;
  std::optional<Error> damage;
  const Key end = after(Key('m').id(id));
  auto scanned =
      engine_->scan(Family::Messages, message_key(id, entry->log.oldest), end, [&](ByteView, ByteView value) {
        auto record = decode_message(value);
        if (!record) {
          damage = record.error();
          return false;
        }
        if (record->state != State::Live && record->state != State::Unconfirmed) return true;
        stat.oldest = record->received;
        table_.set_oldest(id, entry->epoch, record->seq);
        return false;
      });
  if (!scanned) return scanned.error();
  if (damage) return *damage;
  return stat;
}

Result<MessageRecord> LocalStore::find(const MailboxId& mailbox, const MessageId& id) {
  if (auto known = table_.epoch(mailbox); !known) return known.error();
  return find_message(*engine_, mailbox, id);
}

Result<std::vector<MessageRecord>> LocalStore::list(const MailboxId& mailbox, std::uint64_t after_seq,
                                                    std::size_t limit) {
  if (auto known = table_.epoch(mailbox); !known) return known.error();
  std::vector<MessageRecord> page;
  if (limit == 0 || after_seq == std::numeric_limits<std::uint64_t>::max()) return page;
  std::optional<Error> damage;
  const Key end = after(Key('m').id(mailbox));
  auto scanned = engine_->scan(Family::Messages, message_key(mailbox, after_seq + 1), end,
                               [&](ByteView, ByteView value) {
                                 auto record = decode_message(value);
                                 if (record) {
                                   page.push_back(std::move(*record));
                                 } else {
                                   damage = record.error();
                                 }
                                 return !damage && page.size() < limit;
                               });
  if (!scanned) return scanned.error();
  if (damage) return *damage;
  return page;
}

Result<Bytes> LocalStore::envelope(const MailboxId& mailbox, const MessageId& message) {
  if (auto known = table_.epoch(mailbox); !known) return known.error();
  auto body = bodies_.read(mailbox, message);
  if (!body) return body.error();
  return to_bytes((*body)->envelope());
}

Result<std::size_t> LocalStore::read(const MailboxId& mailbox, const MessageId& message, std::uint64_t offset,
                                     std::span<std::byte> to) {
  if (auto known = table_.epoch(mailbox); !known) return known.error();
  auto body = bodies_.read(mailbox, message);
  if (!body) return body.error();
  if (!(*body)->large()) {
    const ByteView all = (*body)->container();
    if (offset >= all.size()) return 0;
    const ByteView part = all.subspan(offset, std::min<std::size_t>(to.size(), all.size() - offset));
    std::copy(part.begin(), part.end(), to.begin());
    return part.size();
  }
  // Only the record knows how large the file must be.
  auto record = find(mailbox, message);
  if (!record) return record.error();
  auto file = large_->reader(message, record->container_size);
  // A sweep may have removed the message, and then its file, since find(). Only a message that is
  // still there is damaged.
  if (!file && file.error().code() == Code::Corrupt) {
    if (auto there = find(mailbox, message); !there) return there.error();
  }
  if (!file) return file.error();
  std::size_t filled = 0;
  while (filled < to.size() && offset + filled < record->container_size) {
    const ssize_t got =
        ::pread((*file)->get(), to.data() + filled, to.size() - filled, static_cast<off_t>(offset + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::from_errno("a large message");
    if (got == 0) return Error(Code::Corrupt, "the file of message " + message.hex() + " has the wrong size");
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

Result<bool> LocalStore::seen(const MailboxId& mailbox, const Digest& fingerprint) {
  if (auto known = table_.epoch(mailbox); !known) return known.error();
  return was_seen(*engine_, mailbox, fingerprint);
}

Result<std::unique_ptr<Lease>> LocalStore::acquire(const MailboxId& mailbox, std::string_view owner,
                                                   std::chrono::seconds ttl, std::chrono::seconds yields) {
  if (auto known = table_.epoch(mailbox); !known) return known.error();
  return leases_.acquire(mailbox, owner, ttl, yields);
}

Result<std::unique_ptr<Snapshot>> LocalStore::snapshot() {
  if (!hold_.mine()) return Error(Code::Internal, "the store must not be used in a forked process");
  if (!reason_.empty())
    return read_only().with_hint("stop the keeper and copy the vault directory before you repair it");
  if (commits_.failed()) return Error(Code::Unavailable, "the store has failed");
  // A checkpoint flushes, which writes the memtables a second time. Keep their size in reserve, so
  // that a backup does not make clients receive 452.
  const std::uint64_t flushed = engine_->promised();
  space_.look([&] { return flushed; });
  if (space_.full() || space_.free_bytes() < space_.marks().high + 2 * flushed)
    return Error(Code::Full, "not enough disk space for a snapshot of the vault");
  return snapshots_.make(*engine_, *large_, [this] { return commits_.point(); });
}

}  // namespace gw::store

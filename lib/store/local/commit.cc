#include "store/local/commit.h"

#include <semaphore.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

namespace gw::store {

Batch::Batch(const Engine& engine, const Table& table, const CommitPoint& before, Micros wall,
             rocksdb::WriteBatch& writes)
    : engine_(engine), table_(table), point_(before), wall_(wall), writes_(writes) {
  writes_.Clear();
}

void Batch::begin() {
  writes_.SetSavePoint();
  before_.clear();
  hashes_before_ = hashes_.size();
}

void Batch::undo() {
  writes_.RollbackToSavePoint();
  for (auto& [log, before] : before_) {
    if (before.entry) {
      entries_.at(log) = std::move(*before.entry);
    } else {
      entries_.erase(log);
    }
    if (!before.changed) changed_.erase(log);
  }
  before_.clear();
  hashes_.resize(hashes_before_);
}

Entry* Batch::state(const MailboxId& log) {
  auto known = entries_.find(log);
  if (known == entries_.end()) {
    auto found = table_.find(log);
    if (!found) return nullptr;
    known = entries_.emplace(log, std::move(*found)).first;
  }
  // The caller may change the state by the pointer, so it is copied for undo() now.
  if (!before_.contains(log)) before_.emplace(log, Before{known->second, changed_.contains(log)});
  return &known->second;
}

Entry& Batch::make(const MailboxId& log) {
  before_.emplace(log, Before{});
  return entries_[log];
}

void Batch::touch(const MailboxId& log) {
  changed_.insert(log);
}

bool Batch::claim_messages(const MailboxId& mailbox) {
  return claimed_.insert(mailbox).second;
}

bool Batch::claim_records() {
  return !std::exchange(records_claimed_, true);
}

// Only here a leaf gets its index, time and hash, since only the leader knows which leaf came
// before it. Time never decreases within a history even if the wall clock does: leaves are evidence
// of an order.
std::uint64_t Batch::leaf(const MailboxId& log, Bytes& encoded) {
  LogState& state = entries_.at(log).log;
  state.time = std::max(state.time, wall_);
  const std::uint64_t index = state.range.size();
  place(encoded, index, state.time);
  const Digest hash = leaf_hash(encoded);
  state.range.append(hash);
  hashes_.push_back(hash);
  put(Family::History, leaf_key(log, index), encoded);
  changed_.insert(log);
  return index;
}

// The status of these calls is ignored. A WriteBatch fails only if it would grow beyond 4 GiB, and
// batches are bounded by gather().
void Batch::put(Family family, ByteView key, std::span<const ByteView> parts) {
  if (parts.size() == 1) {
    writes_.Put(engine_.family(family), slice(key), slice(parts.front()));
    return;
  }
  const rocksdb::Slice name = slice(key);
  std::vector<rocksdb::Slice> slices;
  for (const ByteView part : parts) slices.push_back(slice(part));
  writes_.Put(engine_.family(family), rocksdb::SliceParts(&name, 1),
              rocksdb::SliceParts(slices.data(), static_cast<int>(slices.size())));
}

void Batch::erase(Family family, ByteView key) {
  writes_.Delete(engine_.family(family), slice(key));
}

void Batch::erase_range(Family family, ByteView from, ByteView end) {
  writes_.DeleteRange(engine_.family(family), slice(from), slice(end));
}

// The chain covers the hashes of all leaves of the batch, so that a database with as many commits
// but other contents is recognised when it is opened (see behind() in open.cc). The commit point is
// part of the same batch: it is in the database exactly if the changes are.
bool Batch::finish() {
  if (writes_.Count() == 0 && changed_.empty()) return false;
  for (const MailboxId& log : changed_) put(Family::Heads, head_key(log), encode(entries_.at(log).log));
  ++point_.number;
  ByteWriter number;
  number.u64(point_.number);
  Sha256 leaves;
  for (const Digest& hash : hashes_) leaves.update(hash);
  point_.chain = Sha256().update(point_.chain).update(number.data()).update(leaves.finish()).finish();
  put(Family::Heads, commit_key(), number.bytes(point_.chain).data());
  return true;
}

Entries Batch::take_changed() {
  std::erase_if(entries_, [&](const auto& entry) { return !changed_.contains(entry.first); });
  return std::move(entries_);
}

struct Commits::Waiter {
  // Wakes one thread, once. std::binary_semaphore spins with sched_yield() before it sleeps, which
  // costs an eighth of the processor time with many waiters; a mutex and condition variable for all
  // would wake every waiter for each batch.
  class Wakeup {
   public:
    Wakeup() { ::sem_init(&semaphore_, 0, 0); }
    Wakeup(const Wakeup&) = delete;
    Wakeup& operator=(const Wakeup&) = delete;
    ~Wakeup() { ::sem_destroy(&semaphore_); }

    void await() {
      while (::sem_wait(&semaphore_) != 0 && errno == EINTR) {
      }
    }
    void ring() { ::sem_post(&semaphore_); }

   private:
    sem_t semaphore_;
  };

  const ChangeFn& change;
  const std::size_t size;
  Result<void> result;
  bool done = false;
  Wakeup wakeup;
};

Commits::Commits(Engine& engine, Table& table, DiskSpace& space, const CommitPoint& point, Hooks hooks)
    : engine_(engine), table_(table), space_(space), hooks_(std::move(hooks)), point_(point) {}

// The first thread that finds no leader becomes the leader; all others sleep until they are either
// done or made the leader themselves. The Waiter is on this thread's stack: it stays valid because
// run() returns only after it was answered and removed from the queue.
Result<void> Commits::run(std::size_t size, const ChangeFn& change) {
  Waiter me{change, size, {}, false, {}};
  bool waits = false;
  {
    const std::lock_guard lock(mutex_);
    if (auto refused = refusal_now()) return *refused;
    waits = std::exchange(led_, true);
    queue_.push_back(&me);
  }
  if (waits) me.wakeup.await();
  if (me.done) return me.result;
  // With many waiters the leader goes on for a few batches: handing over costs the wait for another
  // thread to be scheduled, during which the disk is idle. With few waiters the client of the
  // leader, which waits for its own reply, is the greater loss.
  constexpr int kTurns = 4;
  constexpr std::size_t kMany = 16;
  std::size_t waiting = 0;
  for (int turn = 1; (waiting = lead(&me)) > 0; ++turn) {
    if (turn < kTurns && waiting >= kMany) continue;
    Waiter* next = nullptr;
    {
      const std::lock_guard lock(mutex_);
      next = queue_.front();
    }
    next->wakeup.ring();
    break;
  }
  return me.result;
}

// Commits one batch and returns how many changes wait; if none do, no thread is the leader any
// more.
std::size_t Commits::lead(const Waiter* me) {
  const std::vector<Waiter*> waiters = gather();
  const std::size_t answered = commit(waiters);
  {
    const std::lock_guard lock(mutex_);
    // The waiters leave the queue before they are woken. Once woken, a waiter's stack frame may
    // disappear at any moment.
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(answered));
  }
  for (Waiter* waiter : std::span(waiters).first(answered)) {
    waiter->done = true;
    if (waiter != me) waiter->wakeup.ring();
  }
  const std::lock_guard lock(mutex_);
  // Under the same lock as the look at the queue: otherwise a thread that queues in between would
  // wait for a leader that has left.
  if (queue_.empty()) led_ = false;
  return queue_.size();
}

// Takes the changes from the front of the queue that fit in one batch. The limits bound the memory
// of a batch and the time that the first waiter has to wait for the others' data.
std::vector<Commits::Waiter*> Commits::gather() {
  constexpr std::size_t kMaxCount = 256;
  constexpr std::size_t kMaxBytes = 4 << 20;
  std::vector<Waiter*> taken;
  std::size_t size = 0;
  const std::lock_guard lock(mutex_);
  for (Waiter* waiter : queue_) {
    size += waiter->size;
    if (!taken.empty() && (taken.size() == kMaxCount || size > kMaxBytes)) break;
    taken.push_back(waiter);
  }
  return taken;
}

// Runs the change functions and writes their batch. Returns how many of the waiters are answered,
// at least one; the rest need another batch.
std::size_t Commits::commit(std::span<Waiter* const> waiters) {
  const auto refuse = [&](const Error& error) {
    for (Waiter* waiter : waiters) {
      if (waiter->result) waiter->result = error;
    }
    return waiters.size();
  };
  {
    // Checked again under the lock: the store may have been closed or suspended while these changes
    // waited.
    const std::lock_guard lock(mutex_);
    if (auto refused = refusal_now()) return refuse(*refused);
  }
  space_.look([&] { return engine_.promised(); });
  // A purge uses space for its new files. What was acknowledged needs that space when it is
  // flushed, and comes first.
  if (!space_.room_for_purge()) engine_.cancel_purge();

  constexpr std::size_t kKeep = 8 << 20;
  std::size_t expected = 0;
  for (const Waiter* waiter : waiters) expected += waiter->size;
  // A large batch gets its full size at the start, because growing to it would need twice the
  // memory, and is not kept for the next one.
  if (writes_.Data().capacity() > kKeep || expected > kKeep) writes_ = rocksdb::WriteBatch(expected);
  Batch batch(engine_, table_, point_, hooks_.clock(), writes_);
  std::size_t answered = 0;
  for (Waiter* waiter : waiters) {
    // A change function that needs to read what this batch writes ends the batch; it is first in
    // the next one, so it always gets its turn.
    batch.begin();
    const Result<ChangeResult> verdict = waiter->change(batch);
    // A function that failed may have added writes before: half a change must not be written, least
    // of all one that its caller is told has failed.
    if (!verdict || *verdict != ChangeResult::Done) batch.undo();
    if (verdict && *verdict == ChangeResult::NextBatch && answered > 0) break;
    if (!verdict) waiter->result = verdict.error();
    // The first function of a batch waits for nobody. It must not be told that it has been done.
    if (verdict && *verdict == ChangeResult::NextBatch)
      waiter->result = Error(Code::Unavailable, "a change waits for itself");
    ++answered;
  }
  waiters = waiters.first(answered);
  if (!batch.finish()) return answered;
  // Space is checked after the functions have run, when the size of the batch is known, and before
  // RocksDB is asked, because RocksDB aborts the process on a full disk. Nothing has been published
  // yet, so the batch can simply be dropped.
  if (auto room = make_room(batch.writes().GetDataSize()); !room) return refuse(room.error());
  const auto begun = std::chrono::steady_clock::now();
  if (auto written = engine_.write(batch.writes()); !written) {
    // Never tried again. After a failed fsync(2) the kernel may have marked the pages clean, so a
    // second one that succeeds proves nothing. The result is unknown, not failed: the next open may
    // find the batch in the log.
    fail(written.error());
    return refuse(Error(Code::Unknown, "the commit failed: " + written.error().text()));
  }
  {
    // The order is: on disk, then the commit point, then the table, then the replies. Readers and
    // the head file must never see a change that a power cut could take back.
    const auto took = std::chrono::steady_clock::now() - begun;
    const std::lock_guard lock(mutex_);
    point_ = batch.point();
    syncs_.add(static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::microseconds>(took).count()));
  }
  table_.publish(batch.take_changed());
  return answered;
}

// Checks that a batch fits. When the disk is nearly full and mail is already refused, draining and
// removing must go on, because only they free space. A flush helps: it deletes the write-ahead log,
// which is as large as the memtables. It is tried only if there is room for the flush itself.
Result<void> Commits::make_room(std::uint64_t size) {
  // RocksDB deletes the log in a background thread shortly after the flush.
  constexpr int kLooks = 20;
  auto room = space_.room_for_change(size);
  if (room || space_.promised() == 0 || space_.free_bytes() < space_.promised()) return room;
  if (auto flushed = engine_.flush(); !flushed) {
    fail(flushed.error());
    return flushed;
  }
  for (int look = 0; !room && look < kLooks; ++look) {
    if (look != 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    space_.look([&] { return engine_.promised(); });
    room = space_.room_for_change(size);
  }
  return room;
}

CommitPoint Commits::point() const {
  const std::lock_guard lock(mutex_);
  return point_;
}

std::size_t Commits::queued() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

SyncHistogram Commits::syncs() const {
  const std::lock_guard lock(mutex_);
  return syncs_;
}

void Commits::close(const Error& why) {
  const std::lock_guard lock(mutex_);
  if (!closed_) closed_ = why;
}

void Commits::fail(const Error& why) {
  {
    const std::lock_guard lock(mutex_);
    if (failed_) return;
    failed_ = true;
    closed_ = Error(Code::Unavailable, "the store has failed: " + why.text());
  }
  // Outside of the lock: the hook may call failed() or point().
  if (hooks_.failed) hooks_.failed(why);
}

bool Commits::failed() const {
  const std::lock_guard lock(mutex_);
  return failed_;
}

std::optional<Error> Commits::refusal_now() const {
  if (closed_) return closed_;
  if (suspended_) return Error(Code::Busy, "the vault is being moved and accepts no changes");
  return std::nullopt;
}

// New changes are refused first, then the leader finishes: when it stops leading, no change is
// under way. Polling is enough for an operation that a migration does once.
bool Commits::suspend() {
  std::unique_lock lock(mutex_);
  if (std::exchange(suspended_, true)) return false;
  while (led_) {
    lock.unlock();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    lock.lock();
  }
  return true;
}

void Commits::resume() {
  const std::lock_guard lock(mutex_);
  suspended_ = false;
}

std::optional<Error> Commits::refusal() const {
  const std::lock_guard lock(mutex_);
  return refusal_now();
}

}  // namespace gw::store

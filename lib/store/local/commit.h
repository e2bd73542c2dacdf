// Group commit: the first of the waiting threads (the leader) writes the changes of all of them
// with one sync.
//
// A caller passes a change function. The leader runs it; it looks at the state as the batch
// so far leaves it and either adds its writes to the batch or returns an error. So conditions (a
// state, a version, a quota, a lease) hold at the moment of the commit, and the order of the change
// functions is the order of the histories. They run one at a time while all other changes wait, so
// they must be quick and must not block.
//
//   commits.run(bytes, [&](Batch& batch) -> Result<ChangeResult> {
//     Entry* entry = batch.state(mailbox);
//     if (entry == nullptr) return Error(Code::NotFound, "no such mailbox");
//     batch.leaf(mailbox, leaf);
//     return ChangeResult::Done;
//   });
//
// A change function may fail at any point: nothing that it has added or changed is then in the batch.
#pragma once

#include <rocksdb/write_batch.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "store/local/disk_space.h"
#include "store/local/engine.h"
#include "store/local/head.h"
#include "store/local/state.h"
#include "store/sync_histogram.h"
#include "store/transaction.h"

namespace gw::store {

// The transaction of one group commit. Used by the leader thread only.
class Batch final : public Transaction {
 public:
  // `before` is the commit point that the batch follows, `wall` the time for its leaves. `writes`
  // is emptied and reused, so that its memory is not allocated again for each batch.
  Batch(const Engine& engine, const Table& table, const CommitPoint& before, Micros wall,
        rocksdb::WriteBatch& writes);

  // Marks the beginning of a change function.
  void begin();
  // Takes back all writes and changes of states since begin(). Claims stay, which costs other
  // functions a batch at most.
  void undo();

  Result<std::optional<std::string>> get(Family family, ByteView key) const override {
    return engine_.get(family, key);
  }
  Result<void> scan(Family family, ByteView from, ByteView end,
                    const std::function<bool(ByteView key, ByteView value)>& visit) const override {
    return engine_.scan(family, from, end, visit);
  }
  Entry* state(const MailboxId& log) override;
  Entry& make(const MailboxId& log) override;
  void touch(const MailboxId& log) override;
  bool claim_messages(const MailboxId& mailbox) override;
  bool claim_records() override;
  using Transaction::leaf;
  std::uint64_t leaf(const MailboxId& log, Bytes& encoded) override;
  using Transaction::put;
  void put(Family family, ByteView key, std::span<const ByteView> parts) override;
  void erase(Family family, ByteView key) override;
  void erase_range(Family family, ByteView from, ByteView end) override;
  std::size_t size() const override { return writes_.GetDataSize(); }

  // Adds the changed states and the new commit point. Returns false if there is nothing to write.
  bool finish();
  rocksdb::WriteBatch& writes() { return writes_; }
  // Returns the commit point after the batch; meaningful after finish().
  const CommitPoint& point() const { return point_; }
  // Returns the changed states, to be published after the write. Call it once, last.
  Entries take_changed();

 private:
  const Engine& engine_;
  const Table& table_;
  CommitPoint point_;  // before the batch, then after it
  const Micros wall_;
  rocksdb::WriteBatch& writes_;
  Entries entries_;              // states that state() or make() returned
  std::set<MailboxId> changed_;  // of them, those to write
  std::set<MailboxId> claimed_;  // see claim_messages()
  bool records_claimed_ = false;
  std::vector<Digest> hashes_;  // of this batch's leaves

  // What undo() restores: the states that the present function has asked for as they were before it
  // (nullopt: there was none), and the number of hashes.
  struct Before {
    std::optional<Entry> entry;
    bool changed = false;
  };
  std::map<MailboxId, Before> before_;
  std::size_t hashes_before_ = 0;
};

// A change function. It may run in another thread than the one that passed it, while that one
// waits.
using ChangeFn = std::function<Result<ChangeResult>(Batch&)>;

// The queue of changes and the leader election. Thread-safe.
class Commits {
 public:
  struct Hooks {
    // The time for leaves.
    std::function<Micros()> clock;
    // Called once, when the first write fails; must not call back into Commits' run().
    std::function<void(const Error&)> failed;
  };
  // `engine`, `table` and `space` must outlive it. `point` is the last commit that the database
  // has.
  Commits(Engine& engine, Table& table, DiskSpace& space, const CommitPoint& point, Hooks hooks);

  // Runs `change` in a batch and waits until the batch is on disk. Returns the error of `change`, or
  // Full, Busy (suspended), Unavailable (closed or failed); Unknown if the write of the batch
  // failed, after which every later change is refused. `size` is about the number of bytes that
  // `change` adds; it bounds the size of a batch.
  Result<void> run(std::size_t size, const ChangeFn& change);

  // Returns the last commit that is on disk.
  CommitPoint point() const;
  std::size_t queued() const;   // changes that wait, including those of the batch being written
  SyncHistogram syncs() const;  // durations of the writes so far
  // Refuses every change from now on, with this error.
  void close(const Error& why);
  // Does the same after a failed write, and calls Hooks::failed the first time.
  void fail(const Error& why);
  // Returns true after fail().
  bool failed() const;
  // Refuses changes with Busy from now on, and waits until the current leader has finished. Returns
  // false if changes are suspended already.
  bool suspend();
  // Ends the suspension.
  void resume();
  // Returns the error that any change would get now; nullopt if changes are accepted.
  std::optional<Error> refusal() const;

 private:
  struct Waiter;
  // The same; the caller holds the mutex.
  std::optional<Error> refusal_now() const;

  // Run by the leader: one batch, the parts of it, and the search for disk space. See commit.cc.
  std::size_t lead(const Waiter* me);
  std::vector<Waiter*> gather();
  std::size_t commit(std::span<Waiter* const> waiters);
  Result<void> make_room(std::uint64_t size);

  Engine& engine_;
  Table& table_;
  DiskSpace& space_;
  Hooks hooks_;
  mutable std::mutex mutex_;
  std::deque<Waiter*> queue_;   // in order of arrival; the waiters are on their threads' stacks
  bool led_ = false;            // a thread is the leader
  rocksdb::WriteBatch writes_;  // used by the leader only
  CommitPoint point_;           // the last commit on disk; written by the leader only
  SyncHistogram syncs_;
  std::optional<Error> closed_;  // why changes are refused for good
  bool failed_ = false;
  bool suspended_ = false;
};

}  // namespace gw::store

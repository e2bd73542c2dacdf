// Group commit: the first of the waiting threads writes everybody's changes with one sync.
//
// A change is a judge: code that looks at the state as the batch so far leaves it and either adds to the
// batch or refuses. So conditions (a state, a version, a quota, a lease) hold at the moment of the commit,
// and the order of the judges is the order of the histories. Judges run one at a time and must be quick.
#pragma once

#include <rocksdb/write_batch.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <string>

#include "store/local/engine.h"
#include "store/local/head.h"
#include "store/local/keys.h"
#include "store/local/space.h"
#include "store/local/state.h"
#include "store/sync_times.h"

namespace gw::store {

enum class Verdict : unsigned char {
  Done,
  NextBatch,  // it must see what is in this batch already, in the database
};

class Batch {
 public:
  // `writes` is emptied first: its memory is used again.
  Batch(const Engine& engine, const Table& table, const CommitPoint& before, Micros wall,
        rocksdb::WriteBatch& writes);

  // The log as this batch leaves it so far; null: there is none. Changes to it are part of the batch only
  // with a leaf or touch().
  Entry* at(const MailboxId& log);
  Entry& make(const MailboxId& log);
  void touch(const MailboxId& log);

  // One judge in a batch may change messages of this mailbox that were there before; and one may change
  // records. False: another one did, so NextBatch.
  bool claim_messages(const MailboxId& mailbox);
  bool claim_records();

  // Gives the leaf its index and time, and puts it into its history. Gives the index.
  std::uint64_t leaf(const MailboxId& log, Bytes& encoded);
  std::uint64_t leaf(const MailboxId& log, const Leaf& leaf);

  void put(Family family, ByteView key, ByteView value);
  void put(Family family, ByteView key, std::span<const ByteView> parts);
  void erase(Family family, ByteView key);
  void erase_range(Family family, ByteView from, ByteView end);

  // Adds the states and the commit point. False: there is nothing to write.
  bool finish();
  rocksdb::WriteBatch& writes() { return writes_; }
  const CommitPoint& point() const { return point_; }
  Entries take_changed();

 private:
  const Engine& engine_;
  const Table& table_;
  CommitPoint point_;
  const Micros wall_;
  rocksdb::WriteBatch& writes_;
  Entries entries_;
  std::set<MailboxId> changed_;
  std::set<MailboxId> claimed_;
  bool records_claimed_ = false;
  Sha256 chain_;
};

using Judge = std::function<Result<Verdict>(Batch&)>;

class Commits {
 public:
  struct Hooks {
    std::function<Micros()> clock;
    std::function<void(const Error&)> failed;  // once
  };
  Commits(Engine& engine, Table& table, Space& space, const CommitPoint& point, Hooks hooks);

  // Durable when it returns without an error. Unknown: the write failed, and so will every later one.
  // `octets`: about what the judge will add.
  Result<void> run(std::size_t octets, const Judge& judge);

  CommitPoint point() const;
  std::size_t queued() const;  // with those of the batch that is being written
  SyncTimes syncs() const;
  // Refuses everything from now on, with this reason.
  void close(const Error& why);
  // The same, and tells whoever asked to be told.
  void fail(const Error& why);
  bool failed() const;
  // Refuses with Busy from now on, and waits for what is under way. False: it does so already.
  bool suspend();
  void resume();
  // Why a change would be refused now, whatever it is; none: it is judged.
  std::optional<Error> refusal() const;

 private:
  struct Waiter;
  std::optional<Error> refusal_now() const;  // under the lock

  std::size_t lead(const Waiter* me);
  std::vector<Waiter*> gather();
  std::size_t commit(std::span<Waiter* const> waiters);
  Result<void> make_room(std::uint64_t octets);

  Engine& engine_;
  Table& table_;
  Space& space_;
  Hooks hooks_;
  mutable std::mutex mutex_;
  std::deque<Waiter*> queue_;
  bool led_ = false;            // somebody is the leader
  rocksdb::WriteBatch writes_;  // the leader's
  CommitPoint point_;
  SyncTimes syncs_;
  std::optional<Error> closed_;
  bool failed_ = false;
  bool suspended_ = false;
};

}  // namespace gw::store

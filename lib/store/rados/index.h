// Changes of one index: the first of the waiting threads (the leader) judges the changes of all of
// them and writes them with one operation, as local/commit.h does for the whole vault.
//
// The write is refused if the index has another version than the one that the changes were judged by,
// or if this keeper is no longer registered. Then the leader reads the index and judges again. If the
// cluster does not answer, the number of this keeper's last write in the index tells whether the write
// was done; if it was not, a further write makes sure that it never will be.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <span>
#include <vector>

#include "store/rados/batch.h"

namespace gw::store::rados {

// It may run several times, and in another thread than the one that passed it, while that one waits.
// Only one that is passed alone may return NextBatch.
using ChangeFn = std::function<Result<ChangeResult>(Batch&)>;

struct Change {
  ChangeFn run;
  std::size_t size = 0;  // about the bytes that it adds
  bool frees = false;    // it frees space, and is made although the cluster is full
};

// How a write ended.
enum class Sent : unsigned char {
  Done,
  Again,  // it was not done and never will be: judge again
};

// Thread-safe, except for the members that are for a leader.
class Index {
 public:
  Index(Context& context, const MailboxId& log) : context_(context), log_(log) {}

  const MailboxId& log() const { return log_; }

  // Runs changes together and waits until they are done. `results` has one element for each. Unknown
  // if the cluster did not tell whether they are done.
  void run(std::span<const Change> changes, std::span<Result<void>> results);
  Result<void> run(const Change& change) {
    Result<void> result;
    run(std::span(&change, 1), std::span(&result, 1));
    return result;
  }

  // Returns the number of a new pack. done_with() says that the pack is named by the index, or was
  // removed; until then the cluster remembers the number, so that the pack is not forgotten.
  Result<std::uint64_t> new_pack();
  void done_with(std::uint64_t pack);
  // Returns packs of removal records that were written and are not named, each once.
  std::vector<std::uint64_t> take_unnamed();

  // Caches that no live message has a seq below `seq`, unless a message changed since `epoch`.
  void set_oldest(std::uint64_t epoch, std::uint64_t seq);
  std::uint64_t oldest(std::uint64_t epoch) const;  // 0 if nothing is known

  // For a leader: the exclusive right to change the index from this process. intent.h uses it.
  class Lead {
   public:
    explicit Lead(Index& index);
    ~Lead();
    Lead(const Lead&) = delete;
    Lead& operator=(const Lead&) = delete;

   private:
    Index& index_;
  };
  // Loads the index if it is not known, finishes what another keeper or an earlier call left
  // unfinished, and registers this keeper. Fails with NotFound if there is no index.
  Result<void> prepare();
  // Returns a batch's part.
  Batch::Part part() const { return {log_, loaded_}; }
  bool exists() const { return loaded_.exists; }
  const Loaded& loaded() const { return loaded_; }
  // Makes a batch able to write removal records.
  void give_numbers(Batch& batch);
  // Writes a change of the index, under a number of its own; `after` is what it leaves. Fails with Unknown if it may have been
  // done.
  Result<Sent> send(WriteOp op, Loaded after);
  // Forgets what is known, so that it is read again.
  void forget() { known_ = false; }
  void publish(const Loaded& after);

 private:
  struct Group;

  std::size_t lead(std::span<Group* const> groups, bool frees);
  Result<void> load();
  Result<void> enroll();
  Result<bool> is_current();
  Result<Sent> settle(std::uint64_t before, const Loaded& after);
  std::optional<std::uint64_t> next_pack();
  void unnamed(const Batch& batch);
  void write_beside(const Batch& batch);

  Context& context_;
  const MailboxId log_;

  // The queue of changes.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Group*> queue_;
  bool led_ = false;

  // For the leader only.
  Loaded loaded_;
  bool known_ = false;  // loaded_ is what the index was when it was last seen
  // Number of the last write that was sent. No other one gets it, even if this one was not done:
  // it may still be.
  std::uint64_t last_sent_ = 0;
  bool enrolled_ = false;  // this keeper has been registered

  mutable std::mutex numbers_mutex_;
  std::uint64_t next_ = 0;         // number of the next pack
  std::uint64_t reserved_ = 0;     // numbers below it may be used
  std::set<std::uint64_t> packs_;  // numbers that are used, and are not done with
  std::vector<std::uint64_t> unnamed_;
  std::uint64_t oldest_ = 0;
  std::uint64_t oldest_epoch_ = 0;
};

}  // namespace gw::store::rados

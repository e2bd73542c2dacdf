#include "store/rados/index.h"

#include <algorithm>
#include <chrono>

#include "store/rados/intent.h"

namespace gw::store::rados {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMostAgain = 100;                       // lost races before a change is refused
constexpr auto kMostWait = std::chrono::seconds(10);  // the same by time
constexpr int kMostAsked = 4;                         // times that the end of a write is asked for
constexpr std::uint64_t kReserve = 64;                // numbers of packs
constexpr std::size_t kMostChanges = 512;             // in one batch, unless they belong together
constexpr std::size_t kMostBytes = 8 << 20;

}  // namespace

// Changes that one caller passed. They are in one batch.
struct Index::Group {
  std::span<const Change> changes;
  std::span<Result<void>> results;
  bool done = false;

  std::size_t size() const {
    std::size_t size = 0;
    for (const Change& change : changes) size += change.size;
    return size;
  }
};

void Index::run(std::span<const Change> changes, std::span<Result<void>> results) {
  if (changes.empty()) return;
  Group me{changes, results, false};
  std::unique_lock lock(mutex_);
  queue_.push_back(&me);
  context_.queued += changes.size();
  changed_.wait(lock, [&] { return me.done || (!led_ && queue_.front() == &me); });
  if (me.done) return;
  led_ = true;
  // Changes that free space are not mixed with others, which may fail because the cluster is full.
  const bool frees = changes.front().frees;
  std::vector<Group*> taken;
  std::size_t count = 0;
  std::size_t size = 0;
  for (Group* group : queue_) {
    count += group->changes.size();
    size += group->size();
    if (!taken.empty() &&
        (count > kMostChanges || size > kMostBytes || group->changes.front().frees != frees))
      break;
    taken.push_back(group);
  }
  lock.unlock();
  const std::size_t answered = lead(taken, frees);
  lock.lock();
  // The others wait for the next batch, at the front of the queue.
  for (Group* group : std::span(taken).first(answered)) {
    queue_.pop_front();
    context_.queued -= group->changes.size();
    group->done = true;
  }
  led_ = false;
  changed_.notify_all();
}

// Judges and writes the changes of these groups. Returns how many of them are answered, at least one;
// the rest need another batch.
std::size_t Index::lead(std::span<Group* const> groups, bool frees) {
  const Clock::time_point begun = Clock::now();
  std::size_t answered = groups.size();
  const auto refuse = [&](const Error& error) {
    for (Group* group : groups.first(answered)) {
      for (Result<void>& result : group->results) {
        if (result) result = error;
      }
    }
  };
  for (int tries = 0;; ++tries) {
    answered = groups.size();
    for (Group* group : groups) std::ranges::fill(group->results, Result<void>());
    if (auto refused = context_.refusal()) {
      refuse(*refused);
      break;
    }
    if (tries == kMostAgain || Clock::now() - begun > kMostWait) {
      refuse(Error(Code::Busy, "other keepers are changing the mailbox all the time"));
      break;
    }
    if (auto ready = prepare(); !ready) {
      refuse(ready.error());
      break;
    }
    Batch batch(context_, {part()});
    give_numbers(batch);
    batch.set_careful(tries > 0);
    answered = 0;
    bool failed = false;
    for (Group* group : groups) {
      bool next_batch = false;
      for (std::size_t i = 0; i < group->changes.size() && !next_batch; ++i) {
        batch.begin();
        const auto verdict = group->changes[i].run(batch);
        if (verdict && *verdict == ChangeResult::Done) {
          batch.keep();
          continue;
        }
        batch.undo();
        if (!verdict) {
          group->results[i] = verdict.error();
          failed = true;
        } else if (answered > 0) {
          next_batch = true;
        } else {
          group->results[i] = Error(Code::Unavailable, "a change waits for itself");
        }
      }
      if (next_batch) break;
      ++answered;
    }
    auto op = batch.finish(log_);
    if (!op) {
      unnamed(batch);
      // Deliveries have taken the last numbers of packs; prepare() reserves more.
      if (op.error().code() == Code::Busy) continue;
      refuse(op.error());
      break;
    }
    if (!*op) {
      // Nothing is written, and so nothing has shown that the changes were judged by what is true.
      if (!failed) break;
      const auto current = is_current();
      if (current && *current) break;
      if (!current) {
        refuse(current.error());
        break;
      }
      known_ = false;
      continue;
    }
    (*op)->although_full = frees;
    const auto sent = send(std::move(**op), batch.after(log_));
    if (!sent) {
      // Packs of removal records that may be named stay, until the next keeper finds out.
      if (sent.error().code() != Code::Unknown) unnamed(batch);
      refuse(sent.error());
      break;
    }
    if (*sent == Sent::Again) {
      unnamed(batch);
      continue;
    }
    for (const PackId& pack : batch.written()) done_with(pack.number);
    write_beside(batch);
    break;
  }
  return answered;
}

void Index::unnamed(const Batch& batch) {
  const std::lock_guard lock(numbers_mutex_);
  for (const PackId& pack : batch.written()) unnamed_.push_back(pack.number);
}

std::vector<std::uint64_t> Index::take_unnamed() {
  const std::lock_guard lock(numbers_mutex_);
  return std::exchange(unnamed_, {});
}

// The changes are done. A fingerprint that could not be written costs a second copy of a mail.
void Index::write_beside(const Batch& batch) {
  std::map<std::string, WriteOp> ops;
  for (const auto& [spot, value] : batch.beside()) ops[spot.object].set[spot.key] = value;
  std::vector<std::unique_ptr<Started>> started;
  for (auto& [object, op] : ops) started.push_back(context_.cluster.start(Pool::Meta, object, std::move(op)));
  for (const auto& write : started) {
    const Reply reply = write->wait();
    if (!reply.done()) context_.error(reply, "cannot write a fingerprint");
  }
}

Index::Lead::Lead(Index& index) : index_(index) {
  std::unique_lock lock(index_.mutex_);
  index_.changed_.wait(lock, [&] { return !index_.led_; });
  index_.led_ = true;
}

Index::Lead::~Lead() {
  const std::lock_guard lock(index_.mutex_);
  index_.led_ = false;
  index_.changed_.notify_all();
}

Result<void> Index::load() {
  auto loaded = load_index(context_, log_);
  if (!loaded) return loaded.error();
  if (enrolled_ && loaded->writes == 0) {
    const Error fenced(Code::Unavailable, "another keeper has taken over this vault");
    context_.fail(fenced);
    return fenced;
  }
  {
    const std::lock_guard lock(numbers_mutex_);
    // A number is never used twice, even if this keeper was fenced before it knew that it had been
    // registered, and registers again. So the first one is random.
    if (reserved_ == 0) next_ = loaded->numbers.reserved;
    if (next_ == 0) next_ = from_hex16(random_id<MessageId>().hex().substr(0, 16)) >> 16;
  }
  publish(*loaded);
  return {};
}

void Index::publish(const Loaded& after) {
  loaded_ = after;
  known_ = true;
  enrolled_ |= after.writes != 0;
  const std::lock_guard lock(numbers_mutex_);
  reserved_ = std::max(reserved_, after.numbers.reserved);
}

Result<void> Index::prepare() {
  constexpr int kMostTurns = 10;
  for (int turns = 0; turns < kMostTurns; ++turns) {
    if (!known_) {
      // The intents of the vault first, because they may create the mailbox that is asked for.
      if (log_.zero()) {
        if (auto finished = finish_intents(context_); !finished) return finished;
      }
      if (auto done = load(); !done) return done;
    }
    if (!loaded_.exists) {
      known_ = false;
      if (auto absent = may_be_missing(context_, index_object(log_)); !absent) return absent;
      return Error(Code::NotFound, "no such mailbox");
    }
    if (loaded_.turn.empty()) {
      bool enough = false;
      {
        const std::lock_guard lock(numbers_mutex_);
        // A quarter is left for packs of removal records, which the leader itself writes.
        enough = log_.zero() || next_ + kReserve / 4 <= reserved_;
      }
      if (loaded_.writes != 0 && loaded_.others.empty() && enough) return {};
      if (auto done = enroll(); !done) return done;
      continue;
    }
    known_ = false;
    if (auto ended = end_turn(context_, log_, loaded_.turn); !ended) return ended;
  }
  return Error(Code::Busy, "another keeper is changing the mailbox all the time");
}

// Registers this keeper and reserves numbers of packs. Only one keeper may have a vault open, so all
// others are dead, or must be stopped: without their registration they change nothing any more.
Result<void> Index::enroll() {
  Batch batch(context_, {part()});
  give_numbers(batch);
  batch.begin();
  batch.touch(log_);
  std::vector<std::string> numbers;
  for (const std::string& other : loaded_.others) numbers.push_back("n" + other);
  const std::string object = index_object(log_);
  if (auto fetched = batch.reader().fetch(object, numbers); !fetched) return fetched;
  for (const std::string& other : loaded_.others) {
    Writes& writes = batch.writes(log_);
    writes.erase("w" + other);
    writes.erase("n" + other);
    const auto known = batch.reader().value({object, "n" + other});
    if (!known) return known.error();
    if (*known) writes.put("o" + other, **known);
  }
  batch.keep();
  auto op = batch.finish(log_);
  if (!op) return op.error();
  (*op)->although_full = true;
  Loaded after = batch.after(log_);
  after.others.clear();
  const auto sent = send(std::move(**op), after);
  if (!sent) return sent.error();
  return {};
}

Result<bool> Index::is_current() {
  ReadOp op;
  op.attributes = {kVersion};
  const Reply reply = context_.cluster.read(Pool::Meta, index_object(log_), std::move(op));
  if (!reply.done()) return context_.error(reply, "cannot read " + index_object(log_));
  return from_hex16(reply.attributes.at(kVersion)) == loaded_.version;
}

Result<Sent> Index::send(WriteOp op, Loaded after) {
  const std::uint64_t before = loaded_.writes;
  last_sent_ = std::max(last_sent_, before) + 1;
  after.writes = last_sent_;
  op.set["w" + context_.inc] = hex16(after.writes);
  const Clock::time_point begun = Clock::now();
  const Reply reply = context_.cluster.write(Pool::Meta, index_object(log_), std::move(op));
  context_.count_sync(Clock::now() - begun);
  switch (reply.outcome) {
    case Outcome::Done:
      publish(after);
      return Sent::Done;
    case Outcome::Differs:
      known_ = false;
      return Sent::Again;
    case Outcome::Missing:
      known_ = false;
      return Error(Code::Unavailable, "the object " + index_object(log_) + " is missing");
    case Outcome::Full:
    case Outcome::Shut: {
      known_ = false;
      const Error error = context_.error(reply, "cannot change " + index_object(log_));
      // A client that is shut out does not know what became of its last write.
      if (reply.outcome == Outcome::Shut) return Error(Code::Unknown, error.text());
      return error;
    }
    default: {
      known_ = false;
      auto settled = settle(before, after);
      // A write that was sent twice may be refused after it was done, if the rights of this client
      // changed in between.
      const bool refused = reply.outcome == Outcome::Failed || reply.outcome == Outcome::Refused;
      if (!refused) return settled;
      const Error error = context_.error(reply, "cannot change " + index_object(log_));
      if (!settled) return Error(settled.error().code(), error.text());
      // Trying again what the cluster has refused would not help.
      if (*settled == Sent::Again) return error;
      return settled;
    }
  }
}

// The write may have been done, and may even be done later. Its number tells; and once another write
// of this keeper has been done, it is refused for ever, because it was to follow the one before.
Result<Sent> Index::settle(std::uint64_t before, const Loaded& after) {
  const std::string own = "w" + context_.inc;
  for (int asked = 0; asked < kMostAsked; ++asked) {
    if (context_.refusal()) break;
    const auto now = load_index(context_, log_);
    // The write may have been done all the same.
    if (!now && now.error().code() == Code::Corrupt) return Error(Code::Unknown, now.error().text());
    if (!now) continue;
    if (!now->exists || (now->writes == 0 && before != 0)) {
      const Error fenced(Code::Unavailable, "another keeper has taken over this vault");
      context_.fail(fenced);
      return Error(Code::Unknown, fenced.text());
    }
    if (now->writes == after.writes) {
      publish(now->version == after.version ? after : *now);
      return Sent::Done;
    }
    if (now->writes != before) return Sent::Again;
    WriteOp op;
    op.must_exist = true;
    op.although_full = true;
    op.attribute_is[kVersion] = hex16(now->version);
    op.key_is[own] = before == 0 ? std::string() : hex16(before);
    op.set[own] = hex16(++last_sent_);
    op.set_attributes[kVersion] = hex16(now->version + 1);
    const Reply reply = context_.cluster.write(Pool::Meta, index_object(log_), std::move(op));
    if (reply.done()) return Sent::Again;
    if (reply.outcome == Outcome::Shut || reply.outcome == Outcome::Refused)
      context_.error(reply, "cannot change " + index_object(log_));
  }
  return Error(Code::Unknown, "the cluster did not say whether the change is done");
}

Result<std::uint64_t> Index::new_pack() {
  constexpr int kMostTries = 3;
  for (int tries = 0; tries < kMostTries; ++tries) {
    {
      const std::lock_guard lock(numbers_mutex_);
      if (next_ < reserved_) {
        packs_.insert(next_);
        return next_++;
      }
    }
    if (auto refused = context_.refusal()) return *refused;
    const Lead lead(*this);
    if (auto ready = prepare(); !ready) return ready.error();
  }
  return Error(Code::Busy, "no number for a pack is left");
}

std::optional<std::uint64_t> Index::next_pack() {
  const std::lock_guard lock(numbers_mutex_);
  if (next_ >= reserved_) return std::nullopt;
  packs_.insert(next_);
  return next_++;
}

void Index::give_numbers(Batch& batch) {
  if (log_.zero()) return;
  PackNumbers numbers;
  {
    const std::lock_guard lock(numbers_mutex_);
    numbers.low = packs_.empty() ? next_ : *packs_.begin();
    numbers.reserved = std::max(reserved_, next_ + kReserve);
  }
  batch.set_numbers([this] { return next_pack(); }, numbers);
}

void Index::done_with(std::uint64_t pack) {
  const std::lock_guard lock(numbers_mutex_);
  packs_.erase(pack);
}

void Index::set_oldest(std::uint64_t epoch, std::uint64_t seq) {
  const std::lock_guard lock(numbers_mutex_);
  // Never lower within an epoch: two threads may have searched at the same time.
  oldest_ = epoch == oldest_epoch_ ? std::max(oldest_, seq) : seq;
  oldest_epoch_ = epoch;
}

std::uint64_t Index::oldest(std::uint64_t epoch) const {
  const std::lock_guard lock(numbers_mutex_);
  return epoch == oldest_epoch_ ? oldest_ : 0;
}

}  // namespace gw::store::rados

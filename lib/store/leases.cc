#include "store/leases.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <unordered_map>

#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"

namespace gw::store {

struct Leases::Table {
  struct Holder {
    std::uint64_t number = 0;
    std::string owner;
    Micros since = 0;
    BootClock::time_point end;
    BootClock::time_point renewed;
    std::chrono::seconds yields{0};
  };
  BootTime clock;
  mutable std::mutex mutex;
  std::uint64_t next = 0;
  std::unordered_map<MailboxId, Holder> holders;

  // Returns the holder if lease `number` is valid now, else null. The caller holds the mutex.
  Holder* current(const MailboxId& mailbox, std::uint64_t number) {
    const auto found = holders.find(mailbox);
    if (found == holders.end() || found->second.number != number || found->second.end <= clock())
      return nullptr;
    return &found->second;
  }
};

namespace {

Error lost() {
  return Error(Code::LeaseLost, "the lease on the mailbox has ended");
}

class HeldLease : public Lease {
 public:
  HeldLease(std::shared_ptr<Leases::Table> table, const MailboxId& mailbox, std::uint64_t number,
            std::chrono::seconds ttl)
      : table_(std::move(table)), mailbox_(mailbox), number_(number), ttl_(ttl) {}
  HeldLease(const HeldLease&) = delete;
  HeldLease& operator=(const HeldLease&) = delete;
  ~HeldLease() override {
    const std::lock_guard lock(table_->mutex);
    const auto found = table_->holders.find(mailbox_);
    // The lease may have expired and the mailbox may have another holder.
    if (found != table_->holders.end() && found->second.number == number_) table_->holders.erase(found);
  }

  Result<void> renew() override {
    const std::lock_guard lock(table_->mutex);
    auto* holder = table_->current(mailbox_, number_);
    // An expired lease is never revived, even if no other client holds one now: another drain may
    // have come and gone.
    if (holder == nullptr) return lost();
    holder->renewed = table_->clock();
    holder->end = holder->renewed + ttl_;
    return {};
  }
  std::uint64_t number() const override { return number_; }

 private:
  std::shared_ptr<Leases::Table> table_;
  MailboxId mailbox_;
  std::uint64_t number_;
  std::chrono::seconds ttl_;
};

}  // namespace

Leases::Leases(BootTime clock) : table_(std::make_shared<Table>()) {
  table_->clock = std::move(clock);
  // A number from an earlier keeper must not be valid in this one.
  random_bytes(std::as_writable_bytes(std::span(&table_->next, 1)));
}

Result<std::unique_ptr<Lease>> Leases::acquire(const MailboxId& mailbox, std::string_view owner,
                                               std::chrono::seconds ttl, std::chrono::seconds yields) {
  // A client that asks for an absurd time must not block the mailbox for ever.
  constexpr std::chrono::seconds kMaxLength = std::chrono::hours(24);
  ttl = std::clamp(ttl, std::chrono::seconds(0), kMaxLength);
  const std::lock_guard lock(table_->mutex);
  const BootClock::time_point at = table_->clock();
  const auto found = table_->holders.find(mailbox);
  if (found != table_->holders.end() && found->second.end > at) {
    const Table::Holder& holder = found->second;
    // A holder that promises to renew regularly and does not is taken for dead; a POP3 client that
    // lost its connection can then log in again without waiting for the end of the lease.
    if (holder.yields.count() <= 0 || at - holder.renewed < holder.yields)
      return Error(Code::Busy, "the mailbox is being drained by " + printable(holder.owner) + " since " +
                                   rfc3339(holder.since));
    log::warning("lease taken over",
                 {{"holder", holder.owner}, {"since", rfc3339(holder.since)}, {"by", owner}});
  }
  const std::uint64_t number = ++table_->next;
  table_->holders[mailbox] = {number, std::string(owner.substr(0, kMaxActor)), now(), at + ttl, at, yields};
  return std::unique_ptr<Lease>(std::make_unique<HeldLease>(table_, mailbox, number, ttl));
}

Result<void> Leases::check(const MailboxId& mailbox, const Lease& lease) const {
  const std::lock_guard lock(table_->mutex);
  if (table_->current(mailbox, lease.number()) == nullptr) return lost();
  return {};
}

struct Permits::Queue {
  explicit Queue(std::uint64_t size) : total(size), free(size) {}
  const std::uint64_t total;
  std::uint64_t free;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<const void*> waiting;
};

namespace {

class HeldPermit : public MemoryPermit {
 public:
  HeldPermit(std::shared_ptr<Permits::Queue> queue, std::uint64_t size)
      : queue_(std::move(queue)), size_(size) {}
  HeldPermit(const HeldPermit&) = delete;
  HeldPermit& operator=(const HeldPermit&) = delete;
  ~HeldPermit() override {
    {
      const std::lock_guard lock(queue_->mutex);
      queue_->free += size_;
    }
    queue_->changed.notify_all();
  }

 private:
  std::shared_ptr<Permits::Queue> queue_;
  std::uint64_t size_;
};

}  // namespace

Permits::Permits(std::uint64_t size) : queue_(std::make_shared<Queue>(size)) {}

Result<std::unique_ptr<MemoryPermit>> Permits::take(std::uint64_t size) {
  constexpr std::chrono::seconds kTimeout(5);
  Queue& queue = *queue_;
  // A single login that needs more than the total still works, alone.
  size = std::min(size, queue.total);
  std::unique_lock lock(queue.mutex);
  const char me = 0;  // its address is this waiter's place in the queue
  queue.waiting.push_back(&me);
  const bool mine = queue.changed.wait_for(
      // Strictly in order, so that a large request is not overtaken by small ones for ever.
      lock, kTimeout, [&] { return queue.waiting.front() == &me && queue.free >= size; });
  std::erase(queue.waiting, &me);
  if (mine) queue.free -= size;
  lock.unlock();
  // After a success the next waiter may fit, too; after a timeout it may have become the first.
  queue.changed.notify_all();
  if (!mine) return Error(Code::Busy, "too many simultaneous logins");
  return std::unique_ptr<MemoryPermit>(std::make_unique<HeldPermit>(queue_, size));
}

struct PendingTokens::State {
  mutable std::mutex mutex;
  std::map<std::pair<MailboxId, MessageId>, Token> tokens;
};

PendingTokens::PendingTokens() : state_(std::make_unique<State>()) {}
PendingTokens::~PendingTokens() = default;

PendingTokens::Token PendingTokens::give(const MailboxId& mailbox, const MessageId& message) {
  Token token;
  random_bytes(token);
  const std::lock_guard lock(state_->mutex);
  state_->tokens[{mailbox, message}] = token;
  return token;
}

void PendingTokens::forget(const MailboxId& mailbox, const MessageId& message) {
  const std::lock_guard lock(state_->mutex);
  state_->tokens.erase({mailbox, message});
}

Result<void> PendingTokens::check(const MailboxId& mailbox, const MessageId& message,
                                  const Token& token) const {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->tokens.find({mailbox, message});
  // Compared in constant time, since the token is a secret.
  if (found == state_->tokens.end() || !equal_secrets(found->second, token))
    return Error(Code::Denied, "the pending token does not belong to this message");
  return {};
}

}  // namespace gw::store

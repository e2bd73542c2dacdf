// State that lives only as long as the store is open: leases, memory permits and pending tokens.
// Shared by LocalStore and MemoryStore. All three classes are thread-safe.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string_view>

#include "base/clock.h"
#include "store/store.h"

namespace gw::store {

// The clock that leases expire by. Tests pass their own.
using BootTime = std::function<BootClock::time_point()>;

// At most one lease for each mailbox. Lease numbers start at a random value, so that a number from
// an earlier keeper is never mistaken for a current one.
class Leases {
 public:
  explicit Leases(BootTime clock);

  // Acquires a lease, see Store::acquire(). Does not check that the mailbox exists. Fails with Busy
  // if another caller holds it and has renewed it within its `yields` time.
  Result<std::unique_ptr<Lease>> acquire(const MailboxId& mailbox, std::string_view owner,
                                         std::chrono::seconds ttl, std::chrono::seconds yields);
  // Fails with LeaseLost unless `lease` holds `mailbox` at this moment.
  Result<void> check(const MailboxId& mailbox, const Lease& lease) const;

  struct Table;

 private:
  // Shared with each lease, because a lease may be destroyed after the store.
  std::shared_ptr<Table> table_;
};

// Distributes Argon2id memory in the order of the requests.
class Permits {
 public:
  // `size` is the total number of bytes to distribute.
  explicit Permits(std::uint64_t size);

  // Waits until `size` bytes are free. A request for more than the total is granted the total,
  // when no other permit is held. Fails with Busy after 5 seconds.
  Result<std::unique_ptr<MemoryPermit>> take(std::uint64_t size);

  struct Queue;

 private:
  std::shared_ptr<Queue> queue_;
};

// Pending tokens: the caller that committed a pending message may settle or discard it by its
// token.
class PendingTokens {
 public:
  using Token = std::array<std::byte, 16>;

  PendingTokens();
  ~PendingTokens();
  // Creates a random token for a message and remembers it.
  Token give(const MailboxId& mailbox, const MessageId& message);
  // Forgets the token after the message was settled or discarded.
  void forget(const MailboxId& mailbox, const MessageId& message);
  // Fails with Denied if `token` is not the token of this message.
  Result<void> check(const MailboxId& mailbox, const MessageId& message, const Token& token) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gw::store

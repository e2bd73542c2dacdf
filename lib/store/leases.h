// What lives only as long as the store is open: leases, permits, and the rights of pending messages.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string_view>

#include "base/clock.h"
#include "store/store.h"

namespace gw::store {

using BootTime = std::function<BootClock::time_point()>;

// One drain at a time for each mailbox. Numbers start at random, so that one of an earlier life is never
// taken for one of this.
class Leases {
 public:
  explicit Leases(BootTime clock);

  // Busy: the text names the holder and since when. A holder that has not renewed for what it `yields` after
  // loses the lease to whoever asks.
  Result<std::unique_ptr<Lease>> acquire(const MailboxId& mailbox, std::string_view owner,
                                         std::chrono::seconds ttl, std::chrono::seconds yields);
  // LeaseLost unless this lease holds this mailbox now.
  Result<void> check(const MailboxId& mailbox, const Lease& lease) const;

  struct Table;

 private:
  std::shared_ptr<Table> table_;  // leases outlive the store where their owner is late
};

// Argon2id memory, given out in the order of asking.
class Permits {
 public:
  explicit Permits(std::uint64_t octets);

  // More than there is at all is given when nobody else has any. Busy after 5 s.
  Result<std::unique_ptr<Permit>> take(std::uint64_t octets);

  struct Queue;

 private:
  std::shared_ptr<Queue> queue_;
};

// Receipts of pending messages: who committed one may settle or discard it.
class Receipts {
 public:
  using Token = std::array<std::byte, 16>;

  Receipts();
  ~Receipts();
  Token give(const MailboxId& mailbox, const MessageId& message);
  void forget(const MailboxId& mailbox, const MessageId& message);
  // Denied: not its token.
  Result<void> check(const MailboxId& mailbox, const MessageId& message, const Token& token) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gw::store

// A mailbox whose mail is handed over, in one or more passes over its live and unconfirmed messages.
//
//   Result<Outbox> outbox = Outbox::open(store, "journal", password, true);
//   outbox->begin();
//   while (auto record = outbox->next(); record && *record) {
//     auto message = outbox->open(**record);
//     …                                                    // after the server has it:
//     outbox->settle((*record)->id, store::State::Drained, actor);
//   }
//   outbox->end();
//
// With `remove` a pass holds the mailbox's lease, so that no other client drains the same mail. The
// lease ends if the keeper restarts; the Outbox then acquires it again.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "store/store.h"
#include "vault/drain.h"

namespace gw::push {

// After begin(), the functions may be called from several threads at the same time.
class Outbox {
 public:
  // Opens the mailbox's keys. `store` must outlive the result. `actor` names the program. Fails with
  // Denied if the password is wrong.
  static Result<Outbox> open(store::Store& store, store::MailboxRecord mailbox, Secret password, bool remove,
                             std::string actor);
  Outbox(Outbox&&) noexcept;
  Outbox& operator=(Outbox&&) noexcept;
  ~Outbox();

  // Begins a pass. Messages that arrive later are left to the next one. Opens the keys again if the
  // mailbox has newer ones. Fails with Busy if another drain holds the lease.
  Result<void> begin();
  // Ends a pass and releases the lease.
  void end();
  // Returns the next message in the order in which they came; nullopt at the end of the pass.
  Result<std::optional<store::MessageRecord>> next();
  Result<vault::Message> open(const store::MessageRecord& record);
  // Checks that this process still holds the lease and that the keeper runs, so that a message that
  // is handed over now can be settled. Acquires a lost lease again. Does nothing without `remove`.
  Result<void> ready();
  // Moves a message to the state drained or quarantined. While the keeper is away or cannot write,
  // tries again for up to half a minute: a message that the server has must not be handed over
  // again.
  Result<void> settle(const MessageId& message, store::State to, const std::string& actor);
  // Returns whether anything has happened in the mailbox since begin(), such as the arrival of a
  // message, so that another pass may find something.
  Result<bool> changed();

  const store::MailboxRecord& mailbox() const;

 private:
  struct State;
  explicit Outbox(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gw::push

// The sealed copy of one mail that passes through gw-proxy's SMTP half.
//
//   MailCopy copy = MailCopy::begin(store, recipient, envelope, actor);
//   copy.write(octets); ...
//   copy.make_pending();          // durable: now the upstream may have the final dot
//   copy.settle(outcome, actor);  // as the upstream decided
//
// Destroyed before make_pending() it leaves nothing behind. Destroyed after it, or where the process ends,
// the keeper makes the copy *unconfirmed*: twice is better than lost (vault.md section 4).
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "store/store.h"
#include "vault/delivery.h"

namespace gw::gate {

enum class Outcome : unsigned char {
  Accepted,  // upstream took the mail: the copy is live
  Refused,   // upstream refused it: the copy is discarded
  Unknown,   // nobody knows: the copy is unconfirmed
};

class MailCopy {
 public:
  static Result<MailCopy> begin(store::Store& store, const store::Recipient& recipient,
                                vault::Envelope envelope, std::string actor);

  const MessageId& id() const { return id_; }
  Result<void> write(ByteView octets) { return delivery_->write(octets); }
  Result<void> make_pending();
  // `actor` goes into the history, with the upstream's codes. After an error the copy is, or will be,
  // unconfirmed.
  Result<void> settle(Outcome outcome, std::string actor);

 private:
  MailCopy(store::Store& store, const MailboxId& mailbox, vault::Delivery delivery)
      : store_(&store), mailbox_(mailbox), id_(delivery.id()), delivery_(std::move(delivery)) {}

  store::Store* store_;
  MailboxId mailbox_;
  MessageId id_;
  std::optional<vault::Delivery> delivery_;
  std::optional<vault::Stored> stored_;
};

}  // namespace gw::gate

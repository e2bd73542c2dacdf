// The archive copy of one mail that a client sends through gw-proxy by SMTP.
//
//   ArchiveCopy copy = ArchiveCopy::begin(store, recipient, envelope, actor);
//   copy.write(data); ...
//   copy.make_pending();          // durable: from here on the upstream may receive the final dot
//   copy.settle(outcome, actor);  // as the upstream decided
//
// A copy that is destroyed before make_pending() leaves nothing in the vault. If it is destroyed
// between make_pending() and settle(), or if the process ends there, the keeper makes the message
// *unconfirmed* (gw-vault(7)): the upstream may have accepted the mail, and a superfluous copy is
// better than a missing one.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "store/store.h"
#include "vault/delivery.h"

namespace gw::proxy {

// The outcome of the mail at the upstream.
enum class Outcome : unsigned char {
  Accepted,  // the upstream accepted it: the copy becomes live
  Refused,   // the upstream refused it: the copy is discarded
  Unknown,   // the upstream was lost after the final dot: the copy becomes unconfirmed
};

// Used by the thread of one connection; not thread safe.
class ArchiveCopy {
 public:
  // Creates a copy for `recipient`, with a fresh file key and message id. `store` must outlive it.
  // `actor` names this gateway session in the mailbox's history.
  static Result<ArchiveCopy> begin(store::Store& store, const store::Recipient& recipient,
                                   vault::Envelope envelope, std::string actor);

  const MessageId& id() const { return id_; }
  // Seals more bytes of the mail, with CRLF line endings and without dot stuffing. Needs constant
  // memory.
  Result<void> write(ByteView data) { return delivery_->write(data); }
  // Commits the copy in the state pending. It is durable if this succeeds. Must not be called
  // twice, and write() not after it.
  Result<void> make_pending();
  // Moves the pending copy to the state that `outcome` asks for. Call it after make_pending().
  // `actor` is recorded in the history and carries the upstream's reply codes. If this fails, the
  // copy is or becomes unconfirmed; the caller has nothing to undo.
  Result<void> settle(Outcome outcome, std::string actor);

 private:
  ArchiveCopy(store::Store& store, const MailboxId& mailbox, vault::Delivery delivery)
      : store_(&store), mailbox_(mailbox), id_(delivery.id()), delivery_(std::move(delivery)) {}

  store::Store* store_;
  MailboxId mailbox_;
  MessageId id_;
  std::optional<vault::Delivery> delivery_;  // until make_pending()
  std::optional<vault::Stored> stored_;      // after it, with the pending token
};

}  // namespace gw::proxy

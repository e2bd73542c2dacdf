// One mail of an SMTP transaction, delivered to the mailboxes of its recipients.
//
//   SmtpMail mail(envelope);
//   mail.add(recipient, arguments) ...;        // per RCPT
//   mail.write(store, data) ...;
//   auto ids = mail.finish(store);             // durable: reply 250
//
// Recipients that belong to the same mailbox share one message, whose envelope lists them all. If
// the mail has several mailboxes, each gets a sealed message of its own, made from the same bytes
// while they pass. These are committed one after the other. If one commit fails, the sender gets
// 4xx and the messages committed before stay. The sender's retry then causes a duplicate in those
// mailboxes, which is better than a missing message in the others.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "daemon/recipient_budget.h"
#include "smtp/refusals.h"
#include "store/store.h"
#include "vault/delivery.h"
#include "vault/envelope.h"

namespace gw::smtpd {

inline constexpr std::size_t kMaxMailboxes = 16;  // in one transaction

// Used by the thread of one connection; not thread safe. The same store must be passed to all
// calls.
class SmtpMail {
 public:
  // `envelope` holds all fields except the recipients; add() collects those.
  explicit SmtpMail(vault::Envelope envelope) : envelope_(std::move(envelope)) {}

  const vault::Envelope& envelope() const { return envelope_; }
  // Adds a recipient, with the address and parameters as the client sent them. Returns nullopt if
  // that succeeds. Otherwise returns the refusal: the transaction has kMaxMailboxes mailboxes
  // already, or its RecipientBudget is used up. Call it before write().
  std::optional<smtp::Refusal> add(const store::Recipient& recipient, const smtp::RcptArguments& to);
  // Returns whether a recipient of this mail belongs to the mailbox.
  bool goes_to(const MailboxId& mailbox) const;

  // Does the work that does not need the message, mainly the key agreement for each mailbox. Call
  // it when the client has sent DATA, so that the first bytes of the message do not wait for it. A
  // failure shows in the next call of write() or finish().
  void prepare(store::Store& store) { (void)begin(store); }
  // Adds bytes of the message. If this fails, nothing stays in any mailbox.
  Result<void> write(store::Store& store, ByteView data);
  // Commits the message to every mailbox and returns the message ids, in the order in which the
  // mailboxes were added. The mail is durable in all of them if this succeeds. If it fails, some
  // may have it (see above).
  Result<std::vector<MessageId>> finish(store::Store& store);

  std::uint64_t size() const { return size_; }  // bytes written so far
  // Returns the names of the mailboxes, separated by commas, for the log.
  std::string mailbox_names() const;

 private:
  // One mailbox and the recipients that belong to it.
  struct Target {
    store::Recipient recipient;
    std::vector<vault::EnvelopeRecipient> addresses;
  };
  Result<void> begin(store::Store& store);
  Result<void> begin_all(store::Store& store);

  vault::Envelope envelope_;
  daemon::RecipientBudget budget_;
  std::vector<Target> targets_;
  std::vector<vault::Delivery> deliveries_;
  std::optional<Result<void>> begun_;  // the result of begin_all(), once it was called
  std::uint64_t size_ = 0;
};

}  // namespace gw::smtpd

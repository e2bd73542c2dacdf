// One mail on its way from an SMTP transaction into the mailboxes that its recipients are.
//
// Recipients of one mailbox make one message there, whose envelope lists them all. Several mailboxes get a
// sealed message each, from the same octets as they stream by, committed one after the other: if one fails
// the sender hears 4xx and what the others hold stays, so its retry is a second copy there and never a hole.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "gate/recipient_budget.h"
#include "smtp/refusals.h"
#include "store/store.h"
#include "vault/delivery.h"
#include "vault/envelope.h"

namespace gw::gate {

inline constexpr std::size_t kMaxMailboxes = 16;  // in one transaction

class SmtpMail {
 public:
  // `envelope` has everything but the recipients.
  explicit SmtpMail(vault::Envelope envelope) : envelope_(std::move(envelope)) {}

  const vault::Envelope& envelope() const { return envelope_; }
  // Adds a recipient, with its address and parameters as sent. Returns why it cannot: it would be one mailbox
  // more than a transaction may have, or its text does not fit (recipient_budget.h).
  std::optional<smtp::Refusal> add(const store::Recipient& recipient, const smtp::RcptArguments& to);
  bool goes_to(const MailboxId& mailbox) const;

  // Does what needs no octet of the message, keys above all: best while its sender turns around. A failure
  // shows with the next call.
  void prepare(store::Store& store) { (void)begin(store); }
  // More octets of the message, for all. After a failure nothing is left behind in any mailbox.
  Result<void> write(store::Store& store, ByteView octets);
  // Durable in every mailbox when this returns. The ids are in the order in which the mailboxes were named.
  Result<std::vector<MessageId>> finish(store::Store& store);

  std::uint64_t octets() const { return octets_; }
  // Names of the mailboxes, with commas between: for the log.
  std::string mailbox_names() const;

 private:
  struct Target {
    store::Recipient recipient;
    std::vector<vault::EnvelopeRecipient> addresses;
  };
  Result<void> begin(store::Store& store);
  Result<void> begin_all(store::Store& store);

  vault::Envelope envelope_;
  RecipientBudget budget_;
  std::vector<Target> targets_;
  std::vector<vault::Delivery> deliveries_;
  std::optional<Result<void>> begun_;
  std::uint64_t octets_ = 0;
};

}  // namespace gw::gate

#include "smtpd/incoming_mail.h"

#include <algorithm>

namespace gw::smtpd {

std::optional<smtp::Refusal> SmtpMail::add(const store::Recipient& recipient, const smtp::RcptArguments& to) {
  const auto same = [&](const Target& target) { return target.recipient.mailbox.id == recipient.mailbox.id; };
  auto target = std::find_if(targets_.begin(), targets_.end(), same);
  const bool fresh = target == targets_.end();
  // Check the number of mailboxes first: a recipient that is refused must not use up budget.
  if (fresh && targets_.size() >= kMaxMailboxes) return smtp::Refusal::TooManyMailboxes;
  if (!budget_.take(to)) return smtp::Refusal::TooManyRecipients;
  if (fresh) target = targets_.insert(targets_.end(), {recipient, {}});
  target->addresses.push_back({to.address, to.parameters, {}});
  return std::nullopt;
}

bool SmtpMail::goes_to(const MailboxId& mailbox) const {
  return std::ranges::any_of(targets_,
                             [&](const Target& target) { return target.recipient.mailbox.id == mailbox; });
}

// Begins the deliveries once. Later calls return the same result, so that the failure of prepare()
// reaches the next write() or finish().
Result<void> SmtpMail::begin(store::Store& store) {
  if (!begun_) begun_ = begin_all(store);
  return *begun_;
}

Result<void> SmtpMail::begin_all(store::Store& store) {
  const std::string actor = "smtp " + envelope_.peer + " " + envelope_.transaction;
  for (Target& target : targets_) {
    // Each mailbox gets only its own recipients: a blind copy must not show in another mailbox.
    vault::Envelope envelope = envelope_;
    envelope.recipients = std::move(target.addresses);
    auto delivery = vault::Delivery::begin(store, target.recipient, std::move(envelope), actor);
    if (!delivery) return delivery.error();
    deliveries_.push_back(std::move(*delivery));
  }
  return {};
}

Result<void> SmtpMail::write(store::Store& store, ByteView data) {
  Result<void> done = begin(store);
  for (vault::Delivery& delivery : deliveries_)
    if (done) done = delivery.write(data);
  size_ += data.size();
  // Nothing is committed yet, so destroying the deliveries leaves no trace in any mailbox.
  if (!done) deliveries_.clear();
  return done;
}

Result<std::vector<MessageId>> SmtpMail::finish(store::Store& store) {
  std::vector<MessageId> ids;
  if (Result<void> begun = begin(store); !begun) return begun.error();
  for (vault::Delivery& delivery : deliveries_) {
    // There is no transaction across mailboxes. If a commit fails, the messages committed before
    // stay, and the sender's retry duplicates them; removing them could fail as well.
    auto stored = delivery.finish();
    if (!stored) {
      deliveries_.clear();
      return stored.error();
    }
    ids.push_back(stored->id);
  }
  deliveries_.clear();
  return ids;
}

std::string SmtpMail::mailbox_names() const {
  std::string names;
  for (const Target& target : targets_) {
    if (!names.empty()) names += ',';
    names += target.recipient.mailbox.name;
  }
  return names;
}

}  // namespace gw::smtpd

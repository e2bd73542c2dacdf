#include "proxy/archive_copy.h"

namespace gw::proxy {

Result<ArchiveCopy> ArchiveCopy::begin(store::Store& store, const store::Recipient& recipient,
                                       vault::Envelope envelope, std::string actor) {
  Result<vault::Delivery> delivery =
      vault::Delivery::begin(store, recipient, std::move(envelope), std::move(actor));
  if (!delivery) return delivery.error();
  return ArchiveCopy(store, recipient.mailbox.id, std::move(*delivery));
}

Result<void> ArchiveCopy::make_pending() {
  // With `true` the message is committed as pending, and the result carries the token for
  // settle().
  Result<vault::Stored> stored = delivery_->finish(true);
  delivery_.reset();
  if (!stored) return stored.error();
  stored_ = std::move(*stored);
  return {};
}

Result<void> ArchiveCopy::settle(Outcome outcome, std::string actor) {
  store::Transition change;
  change.mailbox = mailbox_;
  change.messages = {id_};
  change.from = store::State::Pending;
  // For Refused `to` stays nullopt, which discards the message.
  if (outcome == Outcome::Accepted) change.to = store::State::Live;
  if (outcome == Outcome::Unknown) change.to = store::State::Unconfirmed;
  change.actor = std::move(actor);
  // The append socket permits this transition only with the pending token, so that a compromised
  // gateway cannot settle the messages of another session.
  change.token = stored_->result.token;
  const Result<std::size_t> changed = store_->transition(change);
  if (!changed) return changed.error();
  return {};
}

}  // namespace gw::proxy

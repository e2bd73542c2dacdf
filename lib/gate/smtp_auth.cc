#include "gate/smtp_auth.h"

#include "base/text.h"
#include "vault/mailbox.h"

namespace gw::gate {
namespace {

constexpr std::string_view kPrefix = "mbx-";

Error wrong() {
  return Error(Code::Denied, "wrong name or token");
}

}  // namespace

std::optional<MailboxId> sender_id(std::string_view name) {
  if (istarts_with(name, kPrefix)) name.remove_prefix(kPrefix.size());
  return MailboxId::parse(lower(name));
}

Result<store::MailboxRecord> authenticate_sender(store::Store& store, const sasl::Credentials& credentials) {
  const auto id = sender_id(credentials.authentication);
  if (!id) return wrong();
  if (!credentials.authorization.empty() && sender_id(credentials.authorization) != id) return wrong();
  // As a recipient, for that is all that the append socket lets a receiver look up.
  auto found = store.resolve(std::string(kPrefix) + id->hex(), store::Lookup::Recipient);
  if (!found) return found.error().code() == Code::NotFound ? wrong() : found.error();
  if (found->mailbox.id != *id || !vault::token_matches(found->mailbox, credentials.password.view()))
    return wrong();
  return std::move(found->mailbox);
}

bool announce_auth(store::Store* store) {
  if (store == nullptr) return true;
  const auto health = store->health();
  return !health || health->senders;
}

}  // namespace gw::gate

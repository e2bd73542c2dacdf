#include "smtpd/sender_auth.h"

#include "base/text.h"
#include "vault/mailbox.h"

namespace gw::smtpd {
namespace {

constexpr std::string_view kPrefix = "mbx-";

// Returns the same error for every reason, so that a client cannot find out which ids exist.
Error wrong() {
  return Error(Code::Denied, "wrong user name or sender token");
}

}  // namespace

std::optional<MailboxId> sender_id(std::string_view name) {
  if (istarts_with(name, kPrefix)) name.remove_prefix(kPrefix.size());
  return MailboxId::parse(lower(name));
}

Result<store::MailboxRecord> authenticate_sender(store::Store& store, const sasl::Credentials& credentials) {
  const auto id = sender_id(credentials.authentication);
  if (!id) return wrong();
  // A client may name an authorization identity (RFC 4616), but a token permits sending to its own
  // mailbox only.
  if (!credentials.authorization.empty() && sender_id(credentials.authorization) != id) return wrong();
  // Look the id up as a recipient, because the append socket permits no other lookup.
  auto found = store.resolve(std::string(kPrefix) + id->hex(), store::Lookup::Recipient);
  if (!found) return found.error().code() == Code::NotFound ? wrong() : found.error();
  // The address could also be an alias of another mailbox, so compare the id.
  if (found->mailbox.id != *id || !vault::token_matches(found->mailbox, credentials.password.view()))
    return wrong();
  return std::move(found->mailbox);
}

bool announce_auth(store::Store* store) {
  if (store == nullptr) return true;
  // If the keeper does not reply, announce AUTH; a login then fails with a temporary error.
  const auto health = store->health();
  return !health || health->senders;
}

}  // namespace gw::smtpd

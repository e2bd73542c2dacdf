#include "smtpd/recipient_policy.h"

#include <algorithm>

#include "mail/address.h"

namespace gw::smtpd {

using smtp::Refusal;

std::optional<Refusal> judge(const store::Recipient& recipient, const SmtpClient& client,
                             std::uint64_t size) {
  const store::MailboxRecord& mailbox = recipient.mailbox;
  // The address comes first: a peer that may not send here at all should not learn what else is
  // required.
  if (!mailbox.allow.empty()) {
    const auto holds_peer = [&](const std::string& block) { return mail::in_block(client.peer, block); };
    if (std::none_of(mailbox.allow.begin(), mailbox.allow.end(), holds_peer))
      return mailbox.allow_reject ? Refusal::PeerRejected : Refusal::PeerNotAllowed;
  }
  if (mailbox.require_tls && !client.tls) return Refusal::TlsRequired;
  if (mailbox.token_hash && client.authenticated != mailbox.id) return Refusal::AuthRequired;
  if (mailbox.status == store::Status::Suspended) return Refusal::Suspended;
  // Refuse by the announced size now, which spares the client the transfer. The store checks the
  // actual size.
  if (recipient.room == 0 || size > recipient.room) return Refusal::OverQuota;
  return std::nullopt;
}

Refusal refusal_of_unknown(std::string_view address, std::string_view host) {
  // "Relaying denied" for a foreign domain helps the operator of a sender that is configured
  // wrongly. Addresses of this host, and everything that looks like a mailbox id, are unknown
  // mailboxes.
  const std::string form = mail::comparable(address);
  const std::size_t at = form.rfind('@');
  if (at == std::string::npos || form.starts_with("mbx-")) return Refusal::UnknownMailbox;
  const std::string_view domain = std::string_view(form).substr(at + 1);
  if (domain.starts_with('[') || domain == mail::comparable_domain(host)) return Refusal::UnknownMailbox;
  return Refusal::Relay;
}

}  // namespace gw::smtpd

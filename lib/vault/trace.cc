#include "vault/trace.h"

#include <algorithm>

#include "mail/address.h"
#include "mail/trace.h"

namespace gw::vault {
namespace {

constexpr std::string_view kMailboxPrefix = "mbx-";

// Checks for an address that is the mailbox's only secret: an `mbx-` address at any domain, or an
// alias. A tag is ignored, because mail to `alias+tag` reveals the alias as well.
bool is_secret(const store::MailboxRecord& mailbox, std::string_view address) {
  const std::string form = mail::comparable(address);
  const std::string untagged = mail::without_tag(form);
  const std::string_view local = std::string_view(untagged).substr(0, untagged.rfind('@'));
  if (local.starts_with(kMailboxPrefix) && MailboxId::parse(local.substr(kMailboxPrefix.size()))) return true;
  return std::ranges::any_of(mailbox.aliases, [&](const std::string& alias) {
    const std::string own = mail::comparable(alias);
    return own == form || own == untagged;
  });
}

// An imported message was not received by gw, which therefore has nothing to state about its
// transport.
mail::TraceMode trace_mode(const store::MailboxRecord& mailbox, const Envelope& envelope) {
  if (envelope.origin == Origin::Import) return mail::TraceMode::Off;
  switch (mailbox.trace) {
    case store::Trace::On:
      return mail::TraceMode::On;
    case store::Trace::Off:
      return mail::TraceMode::Off;
    case store::Trace::Auto:
      break;
  }
  return mail::TraceMode::Auto;
}

// Returns the protocol for the `with` clause of Received (RFC 3848).
std::string protocol(const Envelope& envelope) {
  std::string name = envelope.origin == Origin::ProxyPop3 ? "POP3" : "ESMTP";
  if (!envelope.tls.empty()) name += 'S';
  if (!envelope.auth.empty() && envelope.origin != Origin::ProxyPop3) name += 'A';
  return name;
}

std::vector<std::string> lines_of(const store::MailboxRecord& mailbox, const Envelope& envelope,
                                  mail::TraceMode mode) {
  std::vector<std::string> foreign;
  for (const EnvelopeRecipient& recipient : envelope.recipients)
    // A recipient that the upstream refused did not get the mail.
    if (recipient.refusal.empty() && !is_secret(mailbox, recipient.address))
      foreign.push_back(recipient.address);
  const std::string with = protocol(envelope);
  mail::TraceFacts facts;
  facts.reverse_path = envelope.reverse_path;
  facts.helo = envelope.helo;
  facts.peer = envelope.peer;
  facts.host = envelope.host;
  facts.protocol = with;
  facts.transaction = envelope.transaction;
  // Mail from a POP3 upstream has no envelope recipient; the login stands for it.
  if (envelope.origin == Origin::ProxyPop3) facts.login = envelope.login;
  facts.received = envelope.received;
  return mail::trace_lines(mode, facts, foreign);
}

}  // namespace

std::vector<std::string> trace_of(const store::MailboxRecord& mailbox, const Envelope& envelope) {
  return lines_of(mailbox, envelope, trace_mode(mailbox, envelope));
}

std::vector<std::string> envelope_fields(const store::MailboxRecord& mailbox, const Envelope& envelope) {
  // Auto omits Return-Path and Received, which would claim that gw has received the imported mail.
  const bool imported = envelope.origin == Origin::Import;
  return lines_of(mailbox, envelope, imported ? mail::TraceMode::Auto : mail::TraceMode::On);
}

}  // namespace gw::vault

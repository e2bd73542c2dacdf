#include "smtp/refusals.h"

#include <array>

namespace gw::smtp {
namespace {

using R = Refusal;

constexpr std::array kRows{
    RefusalRow{R::UnknownMailbox, "unknown-mailbox", 550, "5.1.1", "No such mailbox here"},
    RefusalRow{R::Relay, "relay", 550, "5.7.1", "Nothing is relayed from here"},
    RefusalRow{R::Suspended, "suspended", 450, "4.2.1", "This mailbox takes nothing at the moment"},
    RefusalRow{R::OverQuota, "over-quota", 452, "4.2.2", "This mailbox has reached its quota"},
    RefusalRow{R::DiskLow, "disk-low", 452, "4.3.1", "No room at the moment"},
    RefusalRow{R::PeerNotAllowed, "peer-not-allowed", 450, "4.7.1",
               "This mailbox takes nothing from your address"},
    RefusalRow{R::PeerRejected, "peer-rejected", 550, "5.7.1",
               "This mailbox takes nothing from your address"},
    RefusalRow{R::TlsRequired, "tls-required", 530, "5.7.0", "STARTTLS first"},
    RefusalRow{R::AuthRequired, "auth-required", 530, "5.7.0", "AUTH first"},
    RefusalRow{R::TooManyRecipients, "too-many-recipients", 452, "4.5.3", "Too many recipients in one mail"},
    RefusalRow{R::TooManyMailboxes, "too-many-mailboxes", 452, "4.5.3", "Too many mailboxes in one mail"},

    RefusalRow{R::StoreTrouble, "store-trouble", 451, "4.3.0", "Cannot store it at the moment, try again"},
    RefusalRow{R::NoRecipientNow, "no-recipient-now", 451, "4.3.0",
               "No recipient could be taken at the moment"},
    RefusalRow{R::TlsUnavailable, "tls-unavailable", 454, "4.7.0", "No TLS at the moment"},
    RefusalRow{R::AuthUnavailable, "auth-unavailable", 454, "4.7.0",
               "Authentication cannot be checked at the moment"},

    RefusalRow{R::UpstreamDown, "upstream-down", 451, "4.4.1", "The provider's server cannot be reached now"},
    RefusalRow{R::UpstreamDownAtAuth, "upstream-down-at-auth", 454, "4.7.0",
               "The provider's server cannot be reached now"},
    RefusalRow{R::UpstreamLost, "upstream-lost", 421, "4.4.2",
               "The provider's server is gone, connect again"},
    RefusalRow{R::UpstreamSilent, "upstream-silent", 451, "4.4.2",
               "The provider's server gave no answer; it may have the mail"},
    RefusalRow{R::CopyTrouble, "copy-trouble", 451, "4.3.0", "No copy can be kept at the moment, try again"},
    RefusalRow{R::NoRoute, "no-route", 535, "5.7.8", "This login has no route here"},
    RefusalRow{R::Upstream8bit, "upstream-8bit", 554, "5.6.3", "The provider's server takes no 8-bit mail"},
    RefusalRow{R::UpstreamUtf8, "upstream-utf8", 550, "5.6.7",
               "The provider's server takes no UTF-8 addresses"},
    RefusalRow{R::BareDot, "lone-dot", 550, "5.5.2", "A dot alone between bare line ends in the message"},

    RefusalRow{R::TooLarge, "too-large", 552, "5.3.4", "Message is larger than the limit"},
    RefusalRow{R::BareNewline, "bare-newline", 550, "5.5.2", "Lone CR or LF in the message"},

    RefusalRow{R::UnknownCommand, "unknown-command", 500, "5.5.1", "Unknown command"},
    RefusalRow{R::NotOffered, "not-offered", 502, "5.5.1", "Not offered here"},
    RefusalRow{R::Malformed, "malformed", 501, "5.5.4", "Malformed arguments"},
    RefusalRow{R::UnknownParameter, "unknown-parameter", 555, "5.5.4", "Unknown parameter"},
    RefusalRow{R::WrongOrder, "wrong-order", 503, "5.5.1", "Command out of order"},
    RefusalRow{R::NoRecipient, "no-recipient", 503, "5.5.1", "No recipient was accepted"},
    RefusalRow{R::BadLine, "bad-line", 500, "5.5.2", "Bad command line"},
    RefusalRow{R::Needs8bitAddresses, "needs-smtputf8", 553, "5.6.7", "An 8-bit address needs SMTPUTF8"},
    RefusalRow{R::BadSender, "bad-sender", 501, "5.1.7", "Sender address is not UTF-8"},
    RefusalRow{R::BadRecipient, "bad-recipient", 501, "5.1.3", "Recipient address is not UTF-8"},

    RefusalRow{R::WrongCredentials, "wrong-credentials", 535, "5.7.8", "Wrong name or token"},
    RefusalRow{R::UnknownMechanism, "unknown-mechanism", 504, "5.5.4", "Unknown mechanism"},
    RefusalRow{R::BadExchange, "bad-exchange", 501, "5.5.2", "Malformed authentication data"},
    RefusalRow{R::ExchangeCancelled, "exchange-cancelled", 501, "5.7.0", "Authentication cancelled"},

    RefusalRow{R::TooManyErrors, "too-many-errors", 421, "4.7.0", "Too many bad command lines"},
    RefusalRow{R::NotSmtp, "not-smtp", 421, "4.7.0", "This is SMTP"},
    RefusalRow{R::EarlyTalk, "early-talk", 421, "4.7.0", "You spoke before the greeting"},
    RefusalRow{R::TooManyFailures, "too-many-failures", 421, "4.7.0", "Too many failed authentications"},
    RefusalRow{R::TooManyUnknown, "too-many-unknown", 421, "4.7.0", "Too many unknown recipients"},
    RefusalRow{R::BehindStartTls, "behind-starttls", 503, "5.5.1", "Data behind STARTTLS"},
    RefusalRow{R::TooManyConnections, "too-many-connections", 421, "4.7.0", "Too many connections"},
    RefusalRow{R::Idle, "idle", 421, "4.4.2", "Waited too long"},
    RefusalRow{R::Stopping, "stopping", 421, "4.3.2", "Shutting down"},
};

// Checks that the rows are in the order of the enumeration: row() uses the value as the index.
constexpr bool in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i)
    if (kRows[i].refusal != static_cast<Refusal>(i)) return false;
  return kRows.size() == static_cast<std::size_t>(Refusal::Stopping) + 1;
}
static_assert(in_order());

}  // namespace

std::span<const RefusalRow> refusals() {
  return kRows;
}

const RefusalRow& row(Refusal refusal) {
  return kRows[static_cast<std::size_t>(refusal)];
}

Reply reply(Refusal refusal) {
  const RefusalRow& found = row(refusal);
  return {found.code, found.enhanced, found.text};
}

Refusal refusal_for(Code code) {
  switch (code) {
    case Code::Full:
      return Refusal::DiskLow;
    case Code::OverQuota:
      return Refusal::OverQuota;
    default:
      return Refusal::StoreTrouble;
  }
}

}  // namespace gw::smtp

#include "smtp/refusals.h"

#include <array>

namespace gw::smtp {
namespace {

using R = Refusal;

constexpr std::array kRows{
    RefusalRow{R::UnknownMailbox, "unknown-mailbox", 550, "5.1.1", "No such mailbox"},
    RefusalRow{R::Relay, "relay", 550, "5.7.1", "Relay access denied"},
    RefusalRow{R::Suspended, "suspended", 450, "4.2.1", "Mailbox is suspended, try again later"},
    RefusalRow{R::OverQuota, "over-quota", 452, "4.2.2", "Mailbox is over its quota"},
    RefusalRow{R::DiskLow, "disk-low", 452, "4.3.1", "Insufficient system storage"},
    RefusalRow{R::PeerNotAllowed, "peer-not-allowed", 450, "4.7.1",
               "Your network may not send to this mailbox"},
    RefusalRow{R::PeerRejected, "peer-rejected", 550, "5.7.1", "Your network may not send to this mailbox"},
    RefusalRow{R::TlsRequired, "tls-required", 530, "5.7.0", "Must issue a STARTTLS command first"},
    RefusalRow{R::AuthRequired, "auth-required", 530, "5.7.0", "Authentication required"},
    RefusalRow{R::TooManyRecipients, "too-many-recipients", 452, "4.5.3", "Too many recipients"},
    RefusalRow{R::TooManyMailboxes, "too-many-mailboxes", 452, "4.5.3", "Too many mailboxes"},

    RefusalRow{R::StoreTrouble, "store-trouble", 451, "4.3.0", "Temporary server error, try again later"},
    RefusalRow{R::NoRecipientNow, "no-recipient-now", 451, "4.3.0",
               "No recipient was accepted, try again later"},
    RefusalRow{R::TlsUnavailable, "tls-unavailable", 454, "4.7.0", "TLS is temporarily unavailable"},
    RefusalRow{R::AuthUnavailable, "auth-unavailable", 454, "4.7.0", "Temporary authentication failure"},

    RefusalRow{R::UpstreamDown, "upstream-down", 451, "4.4.1",
               "Upstream server is unavailable, try again later"},
    RefusalRow{R::UpstreamDownAtAuth, "upstream-down-at-auth", 454, "4.7.0",
               "Upstream server is unavailable, try again later"},
    RefusalRow{R::UpstreamLost, "upstream-lost", 421, "4.4.2",
               "Lost the connection to the upstream server, try again later"},
    RefusalRow{R::UpstreamSilent, "upstream-silent", 451, "4.4.2",
               "No reply from the upstream server, which may have accepted the message"},
    RefusalRow{R::CopyTrouble, "copy-trouble", 451, "4.3.0",
               "Cannot store the archive copy, try again later"},
    RefusalRow{R::NoRoute, "no-route", 535, "5.7.8", "No route for this login"},
    RefusalRow{R::Upstream8bit, "upstream-8bit", 554, "5.6.3", "Upstream server does not support 8BITMIME"},
    RefusalRow{R::UpstreamUtf8, "upstream-utf8", 550, "5.6.7", "Upstream server does not support SMTPUTF8"},
    RefusalRow{R::BareDot, "lone-dot", 550, "5.5.2",
               "Message has a line with a single dot after a bare CR or LF"},

    RefusalRow{R::TooLarge, "too-large", 552, "5.3.4", "Message size exceeds the limit"},
    RefusalRow{R::BareNewline, "bare-newline", 550, "5.5.2", "Message contains a bare CR or LF"},

    RefusalRow{R::UnknownCommand, "unknown-command", 500, "5.5.1", "Unknown command"},
    RefusalRow{R::NotOffered, "not-offered", 502, "5.5.1", "Command not implemented"},
    RefusalRow{R::Malformed, "malformed", 501, "5.5.4", "Syntax error in parameters or arguments"},
    RefusalRow{R::UnknownParameter, "unknown-parameter", 555, "5.5.4", "Unsupported parameter"},
    RefusalRow{R::WrongOrder, "wrong-order", 503, "5.5.1", "Bad sequence of commands"},
    RefusalRow{R::NoRecipient, "no-recipient", 503, "5.5.1", "No valid recipients"},
    RefusalRow{R::BadLine, "bad-line", 500, "5.5.2", "Malformed or overlong command line"},
    RefusalRow{R::BadLineEnd, "bad-line-end", 500, "5.5.2", "Command must end with CRLF"},
    RefusalRow{R::Needs8bitAddresses, "needs-smtputf8", 553, "5.6.7", "Non-ASCII address requires SMTPUTF8"},
    RefusalRow{R::BadSender, "bad-sender", 501, "5.1.7", "Sender address is not valid UTF-8"},
    RefusalRow{R::BadRecipient, "bad-recipient", 501, "5.1.3", "Recipient address is not valid UTF-8"},

    RefusalRow{R::WrongCredentials, "wrong-credentials", 535, "5.7.8",
               "Authentication failed: wrong user name or sender token"},
    RefusalRow{R::UnknownMechanism, "unknown-mechanism", 504, "5.5.4",
               "Unsupported authentication mechanism"},
    RefusalRow{R::BadExchange, "bad-exchange", 501, "5.5.2", "Malformed authentication data"},
    RefusalRow{R::ExchangeCancelled, "exchange-cancelled", 501, "5.7.0", "Authentication cancelled"},

    RefusalRow{R::TooManyErrors, "too-many-errors", 421, "4.7.0", "Too many malformed commands"},
    RefusalRow{R::NotSmtp, "not-smtp", 421, "4.7.0", "Protocol error: this is an SMTP server"},
    RefusalRow{R::EarlyTalk, "early-talk", 421, "4.7.0", "Protocol error: data received before the greeting"},
    RefusalRow{R::TooManyFailures, "too-many-failures", 421, "4.7.0",
               "Too many failed authentication attempts"},
    RefusalRow{R::TooManyUnknown, "too-many-unknown", 421, "4.7.0", "Too many unknown recipients"},
    RefusalRow{R::BehindStartTls, "behind-starttls", 503, "5.5.1",
               "Commands may not be pipelined after STARTTLS"},
    RefusalRow{R::TooManyConnections, "too-many-connections", 421, "4.7.0",
               "Too many connections, try again later"},
    RefusalRow{R::Idle, "idle", 421, "4.4.2", "Timeout exceeded"},
    RefusalRow{R::Stopping, "stopping", 421, "4.3.2", "Service shutting down"},
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

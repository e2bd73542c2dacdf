// Every refusal of gw's SMTP servers, in one table: each has the same code, enhanced code and text
// wherever it is used, and manual pages, tests and log lines can name it.
//
// Failures of gw itself always have a 4xx code: a sender does not retry after 5xx, and a journal
// report that bounces is lost.
#pragma once

#include <span>
#include <string_view>

#include "base/error.h"
#include "smtp/reply.h"

namespace gw::smtp {

enum class Refusal : unsigned char {
  // Refusals of a recipient.
  UnknownMailbox,
  Relay,      // the address is at a foreign domain
  Suspended,  // the mailbox is suspended
  OverQuota,
  DiskLow,
  PeerNotAllowed,  // the client is not in the mailbox's list; temporary
  PeerRejected,    // the same for a mailbox that rejects such clients for good
  TlsRequired,
  AuthRequired,
  TooManyRecipients,
  TooManyMailboxes,
  // Failures of gw itself.
  StoreTrouble,
  NoRecipientNow,
  TlsUnavailable,
  AuthUnavailable,
  // Refusals of gw-proxy, because of its upstream or its routes.
  UpstreamDown,
  UpstreamDownAtAuth,
  UpstreamLost,
  UpstreamSilent,  // no reply at the end of the message: upstream may have accepted it
  CopyTrouble,     // the archive copy cannot be stored
  NoRoute,
  Upstream8bit,
  UpstreamUtf8,
  BareDot,
  // Refusals of a message.
  TooLarge,
  BareNewline,
  // Refusals of a command.
  UnknownCommand,
  NotOffered,
  Malformed,
  UnknownParameter,
  WrongOrder,
  NoRecipient,
  BadLine,
  BadLineEnd,
  Needs8bitAddresses,
  BadSender,
  BadRecipient,
  // Refusals of authentication.
  WrongCredentials,
  UnknownMechanism,
  BadExchange,
  ExchangeCancelled,
  // Refusals that end the connection.
  TooManyErrors,
  NotSmtp,
  EarlyTalk,
  TooManyFailures,
  TooManyUnknown,
  BehindStartTls,
  TooManyConnections,
  Idle,
  Stopping,
};

struct RefusalRow {
  Refusal refusal;
  std::string_view name;  // as in logs and the manual: `unknown-mailbox`
  int code;
  std::string_view enhanced;
  std::string_view text;
};

// Returns all rows, in the order of the enumeration.
std::span<const RefusalRow> refusals();
const RefusalRow& row(Refusal refusal);
// Returns the reply that the server sends.
Reply reply(Refusal refusal);

// Returns the refusal for a message that the store could not accept: DiskLow, OverQuota or
// StoreTrouble, all 4xx.
Refusal refusal_for(Code code);

}  // namespace gw::smtp

// Every refusal that an SMTP server of ours gives: one table, so that code, enhanced code and words are the
// same wherever it is given, and man pages, tests and logs can name it.
//
// Our own trouble is 4xx, without exception: a sender may not retry after a 5xx, and a journal report that is
// bounced is lost.
#pragma once

#include <span>
#include <string_view>

#include "base/error.h"
#include "smtp/reply.h"

namespace gw::smtp {

enum class Refusal : unsigned char {
  // Of recipients.
  UnknownMailbox,
  Relay,
  Suspended,
  OverQuota,
  DiskLow,
  PeerNotAllowed,
  PeerRejected,
  TlsRequired,
  AuthRequired,
  TooManyRecipients,
  TooManyMailboxes,
  // Our own trouble.
  StoreTrouble,
  NoRecipientNow,
  TlsUnavailable,
  AuthUnavailable,
  // Of gw-proxy: its upstream and its routes.
  UpstreamDown,
  UpstreamDownAtAuth,
  UpstreamLost,
  UpstreamSilent,
  CopyTrouble,
  NoRoute,
  Upstream8bit,
  UpstreamUtf8,
  LoneDot,
  // Of the message.
  TooLarge,
  BareNewline,
  // Of commands.
  UnknownCommand,
  NotOffered,
  Malformed,
  UnknownParameter,
  WrongOrder,
  NoRecipient,
  BadLine,
  Needs8bitAddresses,
  BadSender,
  BadRecipient,
  // Of authentication.
  WrongCredentials,
  UnknownMechanism,
  BadExchange,
  ExchangeCancelled,
  // These end the connection.
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

std::span<const RefusalRow> refusals();
const RefusalRow& row(Refusal refusal);
Reply reply(Refusal refusal);

// What a sender hears when the store could not take its message. Never 5xx.
Refusal refusal_for(Code code);

}  // namespace gw::smtp

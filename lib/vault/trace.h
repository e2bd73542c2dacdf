// What the envelope of a message says, as header lines: those that POP3 puts in front, and those of an
// export.
#pragma once

#include <string>
#include <vector>

#include "store/record.h"
#include "vault/envelope.h"

namespace gw::vault {

// By the mailbox's setting (mail/trace.h), without line ends. An address of ours is its mailbox's only secret
// and is never in them, here and below.
std::vector<std::string> trace_of(const store::MailboxRecord& mailbox, const Envelope& envelope);

// All there is to say, whatever the setting: Return-Path, Received, X-Envelope-From and X-Envelope-To. Of
// what was imported only the last two: it was not received here.
std::vector<std::string> envelope_fields(const store::MailboxRecord& mailbox, const Envelope& envelope);

}  // namespace gw::vault

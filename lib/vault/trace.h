// Header lines that show the envelope of a message: those that POP3 sends before the message, and
// those that an export adds.
//
// An `mbx-` address or an alias never appears in these lines: the address is the only secret of a
// mailbox without an allow list, and the mail may be forwarded.
#pragma once

#include <string>
#include <vector>

#include "store/record.h"
#include "vault/envelope.h"

namespace gw::vault {

// Returns the lines that the mailbox's trace setting asks for (mail/trace.h), without line endings.
// Empty for an imported message: gw did not receive it.
std::vector<std::string> trace_of(const store::MailboxRecord& mailbox, const Envelope& envelope);

// Returns everything there is to say, whatever the setting: Return-Path, Received, X-Envelope-From
// and X-Envelope-To; for an imported message only the last two. Without line endings.
std::vector<std::string> envelope_fields(const store::MailboxRecord& mailbox, const Envelope& envelope);

}  // namespace gw::vault

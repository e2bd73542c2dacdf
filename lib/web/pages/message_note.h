// Records in the mailbox's history that a user has read or downloaded a message.
#pragma once

#include <string_view>

#include "base/id.h"
#include "base/result.h"
#include "store/store.h"
#include "web/context.h"

namespace gw::web {

// Appends the history entry with the user as its actor. `how` is `shown` or `downloaded`. Callers
// call it before they show anything and show nothing if it fails. If the vault is read-only or its
// disk is full, the entry is only logged, so that mail stays readable.
Result<void> note_seen(const Context& context, const MailboxId& mailbox, const MessageId& message,
                       std::string_view how);

// Appends the history entry for a mailbox that a user has opened with its password to read subjects and
// senders. The same rules apply.
Result<void> note_opened(const Context& context, const store::MailboxRecord& mailbox);

}  // namespace gw::web

// Who was given what is in a message, and how: an entry of its mailbox's history.
#pragma once

#include <string_view>

#include "base/id.h"
#include "base/result.h"
#include "web/context.h"

namespace gw::web {

// `how`: `shown`, `downloaded`. Called before anything is given out.
Result<void> note_seen(const Context& context, const MailboxId& mailbox, const MessageId& message,
                       std::string_view how);

}  // namespace gw::web

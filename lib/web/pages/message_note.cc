#include "web/pages/message_note.h"

#include "base/log.h"
#include "vault/drain.h"

namespace gw::web {

Result<void> note_seen(const Context& context, const MailboxId& mailbox, const MessageId& message,
                       std::string_view how) {
  // The entry is the same as that of gw-export; the actor says that it was the console, and how.
  const auto noted = vault::note_exported(context.store(), mailbox, context.actor() + ", " + std::string(how),
                                          std::span(&message, 1));
  if (!noted) return noted.error();
  // The vault takes no changes. The log line replaces the history entry.
  if (!*noted)
    log::warning("export not recorded",
                 {{"message", message.hex()}, {"actor", context.actor()}, {"what", how}});
  return {};
}

}  // namespace gw::web

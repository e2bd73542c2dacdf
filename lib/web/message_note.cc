#include "web/message_note.h"

#include "base/log.h"
#include "vault/drain.h"

namespace gw::web {

Result<void> note_seen(const Context& context, const MailboxId& mailbox, const MessageId& message,
                       std::string_view how) {
  const auto noted = vault::note_exported(context.store(), mailbox, context.actor() + ", " + std::string(how),
                                          std::span(&message, 1));
  if (!noted) return noted.error();
  if (!*noted)
    log::warning("export not noted", {{"message", message.hex()}, {"actor", context.actor()}, {"what", how}});
  return {};
}

}  // namespace gw::web

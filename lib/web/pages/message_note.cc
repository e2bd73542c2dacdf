#include "web/pages/message_note.h"

#include "base/log.h"
#include "vault/change_note.h"
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

Result<void> note_opened(const Context& context, const store::MailboxRecord& mailbox) {
  store::Leaf leaf;
  leaf.type = store::LeafType::Opened;
  leaf.mailbox = mailbox.id;
  leaf.actor = vault::change_note(context.actor(), "mailbox " + mailbox.name, "opened");
  const auto noted = context.store().note(mailbox.id, leaf);
  if (noted) return {};
  const auto health = context.store().health();
  const bool writable = !health || health->writable;
  if (noted.error().code() != Code::Full && writable) return noted.error();
  log::warning("opening not recorded", {{"mailbox", mailbox.id.hex()}, {"actor", context.actor()}});
  return {};
}

}  // namespace gw::web

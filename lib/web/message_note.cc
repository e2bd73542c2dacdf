#include "web/message_note.h"

namespace gw::web {

Result<void> note_seen(const Context& context, const MailboxId& mailbox, const MessageId& message,
                       std::string_view how) {
  store::Leaf leaf;
  leaf.type = store::LeafType::Exported;
  leaf.mailbox = mailbox;
  leaf.actor = context.actor() + ", " + std::string(how);
  const auto noted = context.store().note_messages(mailbox, leaf, std::span(&message, 1));
  if (!noted) return noted.error();
  return {};
}

}  // namespace gw::web

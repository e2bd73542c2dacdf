// The commands of the family `gw-store message`. Each function adds one command to the family.
#pragma once

#include "store/commands.h"

namespace gw::cmd {

// In message.cc.
void add_message_list(Commands& commands, CLI::App& family);
void add_message_show(Commands& commands, CLI::App& family);
// In message_change.cc.
void add_message_add(Commands& commands, CLI::App& family);
void add_message_remove(Commands& commands, CLI::App& family);
void add_message_undelete(Commands& commands, CLI::App& family);
void add_message_quarantine(Commands& commands, CLI::App& family);

// Parses a message id of 32 hex digits. Fails with Usage on anything else.
Result<MessageId> message_id(const std::string& text);

}  // namespace gw::cmd

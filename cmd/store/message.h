// The family `gw-store message`: listing and showing in one file, adding and moving in another.
#pragma once

#include "store/commands.h"

namespace gw::cmd {

void add_message_list(Commands& commands, CLI::App& family);
void add_message_show(Commands& commands, CLI::App& family);
void add_message_add(Commands& commands, CLI::App& family);
void add_message_remove(Commands& commands, CLI::App& family);
void add_message_undelete(Commands& commands, CLI::App& family);
void add_message_quarantine(Commands& commands, CLI::App& family);

// 32 hex digits, else Usage.
Result<MessageId> message_id(const std::string& text);

}  // namespace gw::cmd

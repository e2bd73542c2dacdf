// The family `gw-store mailbox`: making and setting in one file, looking in another, keys in a third.
#pragma once

#include "store/commands.h"

namespace gw::cmd {

void add_mailbox_add(Commands& commands, CLI::App& family);
void add_mailbox_set(Commands& commands, CLI::App& family);
void add_mailbox_remove(Commands& commands, CLI::App& family);
void add_mailbox_list(Commands& commands, CLI::App& family);
void add_mailbox_show(Commands& commands, CLI::App& family);
void add_mailbox_passwd(Commands& commands, CLI::App& family);
void add_mailbox_key(Commands& commands, CLI::App& family);
void add_mailbox_rotate(Commands& commands, CLI::App& family);
void add_mailbox_profile(Commands& commands, CLI::App& family);
void add_mailbox_sender(Commands& commands, CLI::App& family);

}  // namespace gw::cmd

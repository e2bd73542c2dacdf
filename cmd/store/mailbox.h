// The commands of the family `gw-store mailbox`. Each function adds one command to the family.
#pragma once

#include "store/commands.h"

namespace gw::cmd {

// In mailbox.cc.
void add_mailbox_add(Commands& commands, CLI::App& family);
void add_mailbox_set(Commands& commands, CLI::App& family);
// In mailbox_remove.cc.
void add_mailbox_remove(Commands& commands, CLI::App& family);
// In mailbox_list.cc.
void add_mailbox_list(Commands& commands, CLI::App& family);
void add_mailbox_show(Commands& commands, CLI::App& family);
// In mailbox_keys.cc: these need the mailbox's password or the recovery key.
void add_mailbox_passwd(Commands& commands, CLI::App& family);
void add_mailbox_key(Commands& commands, CLI::App& family);
void add_mailbox_rotate(Commands& commands, CLI::App& family);
// In mailbox_profile.cc: settings for the programs at both ends.
void add_mailbox_profile(Commands& commands, CLI::App& family);
void add_mailbox_sender(Commands& commands, CLI::App& family);

}  // namespace gw::cmd

// The commands of the family `gw-store message`. Each function adds one command to the family.
#pragma once

#include <string>
#include <vector>

#include "store/commands.h"

namespace gw::cmd {

// In message_list.cc.
void add_message_list(Commands& commands, CLI::App& family);
// In message.cc.
void add_message_show(Commands& commands, CLI::App& family);
// In message_change.cc.
void add_message_add(Commands& commands, CLI::App& family);
void add_message_remove(Commands& commands, CLI::App& family);
void add_message_undelete(Commands& commands, CLI::App& family);
void add_message_quarantine(Commands& commands, CLI::App& family);

// Checks that the text is a message id of 32 hex digits or the beginning of one, at least 4 digits.
// Fails with Usage; the hint names the mailbox.
Result<void> check_message_id(const std::string& text, const std::string& mailbox);
// Returns the ids that such texts stand for, in their order. The beginning of an id stands for the
// only message of the mailbox, in any state, whose id begins so; fails with NotFound if there is
// none and with Usage if there are several. Whether a whole id exists is not checked.
Result<std::vector<MessageId>> message_ids(store::Store& store, const store::MailboxRecord& mailbox,
                                           const std::vector<std::string>& texts);

}  // namespace gw::cmd

// What the two files of pages on messages share: messages.cc (all messages of a mailbox) and
// message.cc (one of them).
#pragma once

#include <string>
#include <string_view>

#include "web/pages/pages.h"

namespace gw::web {

// Returns the path of the list, for example `/mailboxes/journal/messages`.
std::string messages_path(std::string_view mailbox);
// Returns the path to which forms post that quarantine, restore or remove messages.
std::string change_path(std::string_view mailbox);

// Appends the pages of one message to the table (pages.h).
void add_one_message_pages(Routes& routes);

}  // namespace gw::web

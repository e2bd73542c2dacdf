// What the files of pages on messages share: messages.cc (the list), message.cc (one message) and
// message_changes.cc (changes to some of them).
#pragma once

#include <string>
#include <string_view>

#include "web/pages/pages.h"

namespace gw::web {

// Returns the path of the list, for example `/mailboxes/journal/messages`.
std::string messages_path(std::string_view mailbox);
// Returns the path to which forms post that quarantine, restore or remove messages.
std::string change_path(std::string_view mailbox);

// Appends the page that changes messages to the table (pages.h).
void add_message_change_pages(Routes& routes);
// Appends the pages of one message to the table.
void add_one_message_pages(Routes& routes);

}  // namespace gw::web

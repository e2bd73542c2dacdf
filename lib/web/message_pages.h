// The two files of pages on messages: all of a mailbox, and one of them.
#pragma once

#include <string>
#include <string_view>

#include "web/pages.h"

namespace gw::web {

std::string messages_path(std::string_view mailbox);  // `/mailboxes/journal/messages`
std::string change_path(std::string_view mailbox);    // where forms that move or remove messages go

void add_one_message_pages(Routes& routes);

}  // namespace gw::web

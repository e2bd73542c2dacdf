// The charts of received and drained mail, of all mailboxes that an account sees or of one.
#pragma once

#include <span>
#include <string>

#include "web/context.h"
#include "web/http/http.h"
#include "web/ui/html.h"

namespace gw::web {

// Returns the section with the charts of these mailboxes and their numbers as a table. `path` is the
// address of the page, whose parameter `range` chooses the period. Fails with the error of the store.
Result<Html> traffic_section(const Context& context, const Request& request,
                             std::span<const store::MailboxRecord> mailboxes, const std::string& path);

}  // namespace gw::web

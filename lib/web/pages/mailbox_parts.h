// The pieces that the pages on mailboxes and on their messages share.
#pragma once

#include <string>
#include <string_view>

#include "vault/mailbox.h"
#include "web/context.h"
#include "web/pages/pages.h"
#include "web/ui/html.h"
#include "web/ui/layout.h"

namespace gw::web {

// Returns the path of a mailbox's page, for example `/mailboxes/journal`.
std::string mailbox_path(std::string_view name);

// Returns a page that belongs to the navigation entry of the mailboxes.
Response mailbox_page(const Context& context, const Request& request, PageParts parts);

// Returns whether the mailbox is active or suspended, and whether it is under legal hold.
Html status_pills(const Context& context, const store::MailboxRecord& record);

// Returns a form of one button that posts `change=<what>`. If `sure` is not empty, the browser
// first asks that question, provided that JavaScript runs.
Html change_button(const Context& context, std::string_view action, std::string_view what, const Html& word,
                   const std::string& sure = {});

// Return how full the mailbox is, as a bar and as text. Only for a mailbox with a quota.
Html quota_meter(const Context& context, const store::MailboxRecord& record, const store::MailboxStat& stat);
Html quota_text(const Context& context, const store::MailboxRecord& record, const store::MailboxStat& stat);

// Returns ready-made settings for the archive that drains the mailbox and for the system that sends
// to it: what `gw-store mailbox profile` and `gw-store mailbox sender` print.
Html setup_sections(const Context& context, const store::MailboxRecord& record,
                    const vault::Settings& settings);

// Append the pages of one mailbox to the table (pages.h).
void add_one_mailbox_pages(Routes& routes);
void add_mailbox_key_pages(Routes& routes);

}  // namespace gw::web

// What the pages on mailboxes and their messages have in common.
#pragma once

#include <string>
#include <string_view>

#include "vault/mailbox.h"
#include "web/context.h"
#include "web/html.h"
#include "web/layout.h"
#include "web/pages.h"

namespace gw::web {

// `/mailboxes/journal`: a mailbox's name needs no escapes.
std::string mailbox_path(std::string_view name);

// A page that belongs to the entry of the navigation.
Response mailbox_page(const Context& context, const Request& request, PageParts parts);

// Active or suspended, and held where it is.
Html status_pills(const Context& context, const store::MailboxRecord& record);

// A form of one button that posts `change=what`; where `sure` is not empty the browser asks it first.
Html change_button(const Context& context, std::string_view action, std::string_view what, const Html& word,
                   const std::string& sure = {});

// How full: of a mailbox with a quota.
Html quota_meter(const Context& context, const store::MailboxRecord& record, const store::MailboxStat& stat);

// Ready settings for what drains it and for where its mail comes from, as `gw-store mailbox profile` and
// `mailbox sender` print them.
Html setup_sections(const Context& context, const store::MailboxRecord& record,
                    const vault::Settings& settings);

void add_one_mailbox_pages(Routes& routes);
void add_mailbox_key_pages(Routes& routes);

}  // namespace gw::web

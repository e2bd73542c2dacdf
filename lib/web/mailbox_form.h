// The form by which a mailbox is made and set: its fields, and what they say.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "vault/mailbox_change.h"
#include "web/context.h"
#include "web/html.h"

namespace gw::web {

// What stands in the fields, as somebody typed it.
struct MailboxText {
  std::string name, description, aliases, domains, allow, quota, grace, receipts, trace;
  bool allow_reject = false, require_tls = false, smtp_auth = false;
};
MailboxText text_of(const store::MailboxRecord& record);
MailboxText text_of(const Form& form);
// The fields that text_of() reads, to be sent again.
std::vector<std::pair<std::string, std::string>> fields_of(const MailboxText& text);

// What is wrong, and where: `name`, `quota` and so on.
struct Wrong {
  std::string field;
  std::string text;  // in the reader's language
};

// What the fields say. Addresses are set by accounts that see everything only: who is limited to some
// mailboxes must not draw the mail of others by an alias or a domain that nobody has yet.
struct MailboxSaid {
  vault::MailboxChange change;
  std::optional<Wrong> wrong;
};
MailboxSaid said_of(const Context& context, const MailboxText& text);

// The fields; `existing` adds what only a mailbox that is there has.
Html mailbox_fields(const Context& context, const MailboxText& text, const std::optional<Wrong>& wrong,
                    bool existing);

// After Exists: another mailbox than `own` has this name, or else one of the addresses.
Wrong taken(const Context& context, std::string_view name, const MailboxId& own);

}  // namespace gw::web

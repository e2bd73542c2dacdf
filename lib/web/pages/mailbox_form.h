// The form by which a mailbox is created and changed: its fields, and how they are interpreted.
//
//   const MailboxText text = text_of(request.form);       // as typed
//   const MailboxSaid said = parse_form(context, text);      // what it means
//   if (said.wrong) return ... mailbox_fields(context, text, said.wrong, existing) ...;
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "vault/mailbox_settings.h"
#include "web/context.h"
#include "web/ui/html.h"

namespace gw::web {

inline constexpr std::int64_t kDaySeconds = 86'400;  // times of a mailbox are in seconds

// The content of the fields as the user typed it, so that a refused form can show it again. Lists
// have one item per line; `quota` is a size such as `10 GiB`; `grace` and `receipts` are days, or
// spans such as `36h`.
struct MailboxText {
  std::string name, description, aliases, domains, allow, quota, grace, receipts, trace;
  bool allow_reject = false, require_tls = false, smtp_auth = false;
};
// Returns the fields for an existing mailbox, or those of a posted form.
MailboxText text_of(const store::MailboxRecord& record);
MailboxText text_of(const Form& form);
// Returns the names and values that text_of() reads from a form, to be sent again as hidden inputs.
std::vector<std::pair<std::string, std::string>> fields_of(const MailboxText& text);

// Returns the text for a value that vault::first_wrong() rejects; its placeholder is `value`.
Text wrong_word(const vault::FieldError& wrong);

// A field that cannot be accepted: its name, such as `quota`, and the reason.
struct FormError {
  std::string field;
  std::string text;  // in the reader's language
};

// The settings that the fields describe.
//
// Only an account that sees all mailboxes may set addresses. Otherwise an account that is limited
// to some mailboxes could divert mail to itself by an alias or a domain that no mailbox has yet.
struct MailboxSaid {
  vault::MailboxSettings settings;
  // The first field that cannot be accepted. If it is set, `settings` must not be applied.
  std::optional<FormError> wrong;
};
// Interprets the fields. Whether a name or address is already taken is not checked here.
MailboxSaid parse_form(const Context& context, const MailboxText& text);

// Returns the inputs, with `wrong` at its field. Those that are rarely needed are folded. `existing`
// leaves out the one that only a new mailbox has.
Html mailbox_fields(const Context& context, const MailboxText& text, const std::optional<FormError>& wrong,
                    bool existing);

// Returns what to show after a change failed with Exists: that another mailbox than `own` has this
// name, or otherwise that one of the addresses is taken.
FormError taken(const Context& context, std::string_view name, const MailboxId& own);

}  // namespace gw::web

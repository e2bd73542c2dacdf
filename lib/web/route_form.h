// The form by which a route is made and changed: its fields, and what they say.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "vault/route_change.h"
#include "web/context.h"
#include "web/html.h"

namespace gw::web {

// A mailbox as a route's form names it: one that the account may see, or one that the route has already.
Result<store::MailboxRecord> route_mailbox(const Context& context, const vault::Route& before,
                                           std::string_view name);
// How it is shown: by name, else by id.
std::string route_mailbox_name(const Context& context, const MailboxId& id);

// What stands in the fields, as somebody typed it; lists a line each.
struct RouteText {
  std::string name, protocol = "smtp", description, upstream, tls = "starttls", ca, pin, mailbox, map, logins,
                    clients, on_copy_failure = "refuse", uncopied_delete = "copy";
  bool allow_private = false;
};
RouteText text_of(const Context& context, const vault::Route& route);
RouteText route_text_of(const Form& form);

// What they say. Only an account that sees all may let an upstream be on a private address, or name a file:
// who manages a customer's routes must not reach into this network by them.
vault::RouteChange said_of(const Context& context, const RouteText& text);

Html route_fields(const Context& context, const RouteText& text,
                  const std::optional<vault::WrongRoute>& wrong, bool existing);

// `smtp`, `implicit` and so on, in the reader's language.
Html shown(const Context& context, vault::UpstreamTls value);
Html shown(const Context& context, vault::OnCopyFailure value);
Html shown(const Context& context, vault::UncopiedDelete value);

}  // namespace gw::web

// The form by which a route of gw-proxy is created and changed: its fields, and how they are
// interpreted.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "vault/route_change.h"
#include "web/context.h"
#include "web/ui/html.h"

namespace gw::web {

// Returns the mailbox that a route's form names: one that the account may see, or, by its id, one
// that the route `before` already refers to. The second case lets an account edit a route that also
// copies to mailboxes of others; the record then has only the id. Fails with NotFound.
Result<store::MailboxRecord> route_mailbox(const Context& context, const vault::Route& before,
                                           std::string_view name);
// Returns what the form shows for a mailbox: its name, or its id if the account may not see it;
// empty for the zero id.
std::string route_mailbox_name(const Context& context, const MailboxId& id);

// The content of the fields as the user typed it. Lists have one item per line; a line of `map` is
// `login=mailbox`. The defaults are those of a new route.
struct RouteText {
  std::string name, protocol = "smtp", description, upstream, tls = "starttls", ca, pin, mailbox, map, logins,
                    clients, on_copy_failure = "refuse", uncopied_delete = "copy";
  bool allow_private = false;
};
// Returns the fields for an existing route, or those of a posted form.
RouteText text_of(const Context& context, const vault::Route& route);
RouteText route_text_of(const Form& form);

// Returns the change that the fields describe. Fields that the account may not set stay unset: only
// an account that sees everything may allow an upstream on a private address or name a file.
// Otherwise an account that manages a customer's routes could reach into the network of this host.
vault::RouteChange parse_form(const Context& context, const RouteText& text);

// A field that cannot be accepted, and why.
struct RouteError {
  std::string_view field;  // name of the input; empty if it has none
  std::string text;        // in the reader's language
};
// Returns what vault::apply() reported in the reader's language.
RouteError explained(const Context& context, const vault::WrongRoute& wrong);

// Returns the inputs, with `wrong` at its field. `existing` leaves out name and protocol, which
// cannot change.
Html route_fields(const Context& context, const RouteText& text, const std::optional<RouteError>& wrong,
                  bool existing);

// Return a setting as text in the reader's language.
Html shown(const Context& context, vault::UpstreamTls value);
Html shown(const Context& context, vault::OnCopyFailure value);
Html shown(const Context& context, vault::UncopiedDelete value);

}  // namespace gw::web

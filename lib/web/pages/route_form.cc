#include "web/pages/route_form.h"

#include <algorithm>

#include "base/text.h"
#include "mail/address.h"
#include "web/ui/widgets.h"

namespace gw::web {
namespace {

std::string joined_lines(const std::vector<std::string>& lines) {
  std::string all;
  for (const std::string& line : lines) all += line + "\n";
  return all;
}

std::vector<std::string> lines_in(std::string_view text) {
  std::vector<std::string> lines;
  for (const std::string_view line : split(text, '\n'))
    if (const std::string_view kept = trim(line); !kept.empty()) lines.emplace_back(kept);
  return lines;
}

template <class Value>
// Returns the option for a setting: its name in the API and its text.
Choice choice(const Context& context, Value value) {
  return {std::string(name(value)), shown(context, value)};
}

}  // namespace

Result<store::MailboxRecord> route_mailbox(const Context& context, const vault::Route& before,
                                           std::string_view name) {
  Result<store::MailboxRecord> found = context.mailbox(name);
  if (found || found.error().code() != Code::NotFound) return found;
  // An account without the right to see a mailbox knows it only by the id that the form shows.
  const auto named = [&](const MailboxId& id) { return !id.zero() && id.hex() == name; };
  bool there = named(before.mailbox);
  for (const vault::LoginRule& rule : before.map) there = there || named(rule.mailbox);
  if (!there) return found;
  store::MailboxRecord kept;
  // It parses, because it equals the hexadecimal text of an id.
  kept.id = *MailboxId::parse(std::string(name));
  return kept;
}

std::string route_mailbox_name(const Context& context, const MailboxId& id) {
  if (id.zero()) return {};
  const std::string name = context.mailbox_name(id);
  return name.empty() ? id.hex() : name;
}

RouteText text_of(const Context& context, const vault::Route& route) {
  RouteText text;
  text.name = route.name;
  text.protocol = name(route.protocol);
  text.description = route.description;
  text.upstream = route.upstream();
  text.tls = name(route.tls);
  text.ca = route.ca_file;
  text.pin = route.pin ? to_hex(*route.pin) : "";
  text.mailbox = route_mailbox_name(context, route.mailbox);
  for (const vault::LoginRule& rule : route.map)
    text.map += rule.pattern + "=" + route_mailbox_name(context, rule.mailbox) + "\n";
  text.logins = joined_lines(route.logins);
  text.clients = joined_lines(route.clients);
  text.on_copy_failure = name(route.on_copy_failure);
  text.uncopied_delete = name(route.uncopied_delete);
  text.allow_private = route.allow_private;
  return text;
}

RouteText route_text_of(const Form& form) {
  RouteText text;
  const std::pair<const char*, std::string*> fields[] = {
      {"name", &text.name},
      {"protocol", &text.protocol},
      {"description", &text.description},
      {"upstream", &text.upstream},
      {"tls", &text.tls},
      {"ca", &text.ca},
      {"pin", &text.pin},
      {"mailbox", &text.mailbox},
      {"map", &text.map},
      {"logins", &text.logins},
      {"clients", &text.clients},
      {"on_copy_failure", &text.on_copy_failure},
      {"uncopied_delete", &text.uncopied_delete},
  };
  for (const auto& [name, to] : fields) *to = trim(form.get(name));
  text.allow_private = form.has("allow_private");
  return text;
}

RouteError explained(const Context& context, const vault::WrongRoute& wrong) {
  const auto text = [&]() -> Text {
    switch (wrong.rule) {
      case vault::RouteRule::Name:
        return "route.wrong.name";
      case vault::RouteRule::ReservedName:
        return "route.wrong.name-reserved";
      case vault::RouteRule::Upstream:
        return "route.wrong.upstream";
      case vault::RouteRule::Description:
        return "route.wrong.description";
      case vault::RouteRule::CaFile:
        return "route.wrong.ca";
      case vault::RouteRule::Pin:
        return "route.wrong.pin";
      case vault::RouteRule::NeedsTls:
        return "route.wrong.no-tls";
      case vault::RouteRule::TooMany:
        return "route.wrong.many";
      case vault::RouteRule::LoginPattern:
        return "route.wrong.logins";
      case vault::RouteRule::MapForm:
        return "route.wrong.map";
      case vault::RouteRule::Block:
        return "route.wrong.clients";
      case vault::RouteRule::Word:
        return "route.wrong.other";
      case vault::RouteRule::NoSuchMailbox:
        return "route.wrong.mailbox";
      case vault::RouteRule::NeedsMailbox:
        return "route.wrong.no-mailbox";
      case vault::RouteRule::ClientsOfSmtp:
        return "route.wrong.clients-smtp";
      case vault::RouteRule::ClientsMailbox:
        return "route.wrong.clients-mailbox";
    }
    return "route.wrong.other";
  };
  return {wrong.field, context.w.plain(text(), {{"value", printable(wrong.value)}})};
}

vault::RouteChange parse_form(const Context& context, const RouteText& text) {
  vault::RouteChange said;
  said.description = text.description;
  said.upstream = text.upstream;
  said.tls = text.tls;
  said.on_copy_failure = text.on_copy_failure;
  said.uncopied_delete = text.uncopied_delete;
  said.pin = text.pin;
  said.mailbox = text.mailbox;
  said.map = lines_in(text.map);
  said.logins = lines_in(text.logins);
  said.clients = lines_in(text.clients);
  // Other accounts do not have these inputs, and values that a client sends nevertheless are
  // ignored.
  if (context.account().is_unrestricted()) {
    said.ca = text.ca;
    said.allow_private = text.allow_private;
  }
  return said;
}

Html shown(const Context& context, vault::UpstreamTls value) {
  return value == vault::UpstreamTls::Implicit   ? context.w("route.tls.implicit")
         : value == vault::UpstreamTls::StartTls ? context.w("route.tls.starttls")
                                                 : context.w("route.tls.none");
}

Html shown(const Context& context, vault::OnCopyFailure value) {
  return value == vault::OnCopyFailure::Refuse ? context.w("route.failure.refuse")
                                               : context.w("route.failure.pass");
}

Html shown(const Context& context, vault::UncopiedDelete value) {
  return value == vault::UncopiedDelete::Copy     ? context.w("route.delete.copy")
         : value == vault::UncopiedDelete::Refuse ? context.w("route.delete.refuse")
                                                  : context.w("route.delete.pass");
}

Html route_fields(const Context& context, const RouteText& text, const std::optional<RouteError>& wrong,
                  bool existing) {
  const Words& w = context.w;
  bool placed = false;
  const auto one = [&](const char* name, const Html& label, const std::string& value, const Html& help,
                       const char* type) {
    Field made{.name = name, .label = label, .value = value, .type = type, .help = help};
    if (wrong && wrong->field == name) {
      made.wrong = wrong->text;
      placed = true;
    }
    return made;
  };
  Html all;
  if (!existing) {
    Field named = one("name", w("route.name"), text.name, w("route.name.help"), "text");
    named.required = named.focus = true;
    all += field(named);
    all += select("protocol", w("route.protocol"), {{"smtp", escaped("SMTP")}, {"pop3", escaped("POP3")}},
                  text.protocol);
  }
  Field upstream = one("upstream", w("route.upstream"), text.upstream, w("route.upstream.help"), "text");
  upstream.required = true;
  all += field(one("description", w("route.description"), text.description, {}, "text"));
  all += field(upstream);
  all += select("tls", w("route.tls"),
                {choice(context, vault::UpstreamTls::Implicit), choice(context, vault::UpstreamTls::StartTls),
                 choice(context, vault::UpstreamTls::None)},
                text.tls);
  all += field(one("pin", w("route.pin"), text.pin, w("route.pin.help"), "text"));
  if (context.account().is_unrestricted()) {
    all += field(one("ca", w("route.ca"), text.ca, w("route.ca.help"), "text"));
    all += checkbox("allow_private", w("route.private"), text.allow_private);
  } else {
    all += tag("p", {{"class", "help"}},
               w("route.private.fixed", {{"answer", text.allow_private ? w.plain("yes") : w.plain("no")}}));
  }
  all += field(one("mailbox", w("route.mailbox"), text.mailbox, {}, "text"));
  all += field(one("map", w("route.map"), text.map, w("route.map.help"), "textarea"));
  all += field(one("logins", w("route.logins"), text.logins, w("route.logins.help"), "textarea"));
  all += field(one("clients", w("route.clients"), text.clients, w("route.clients.help"), "textarea"));
  all += select("on_copy_failure", w("route.on-copy-failure"),
                {choice(context, vault::OnCopyFailure::Refuse), choice(context, vault::OnCopyFailure::Pass)},
                text.on_copy_failure);
  all += select("uncopied_delete", w("route.uncopied-delete"),
                {choice(context, vault::UncopiedDelete::Copy), choice(context, vault::UncopiedDelete::Refuse),
                 choice(context, vault::UncopiedDelete::Pass)},
                text.uncopied_delete);
  if (!wrong) return all;
  // Selections, and inputs that this account does not have, have no place for a text.
  return notice(placed ? w("route.wrong") : escaped(wrong->text), Tone::Bad) + all;
}

}  // namespace gw::web

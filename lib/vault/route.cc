#include "vault/route.h"

#include <algorithm>

#include "base/text.h"
#include "mail/address.h"
#include "vault/change_note.h"
#include "vault/new_name.h"
#include "vault/route.pb.h"

namespace gw::vault {
namespace {

constexpr std::size_t kMaxPatterns = 1000;
constexpr std::size_t kMaxPattern = 320;
constexpr std::size_t kMaxRouteDescription = 1024;
constexpr std::size_t kMaxPath = 4096;

WrongRoute bad(std::string_view field, RouteRule rule, const std::string& text, const std::string& value) {
  return {field, rule, value, Error(Code::BadInput, text + ": " + printable(value))};
}
WrongRoute bad(std::string_view field, RouteRule rule, std::string text) {
  return {field, rule, {}, Error(Code::BadInput, std::move(text))};
}

// Accepts a domain or an IP address. valid_block() also accepts a CIDR block, which the slash
// excludes.
bool valid_host(std::string_view host) {
  return mail::valid_domain(host) || (host.find('/') == std::string_view::npos && mail::valid_block(host));
}

bool valid_pattern(std::string_view pattern) {
  return !pattern.empty() && pattern.size() <= kMaxPattern && !has_control(pattern);
}

store::RecordKey route_key(std::string_view name) {
  return {store::Kind::Route, {}, std::string(name)};
}

template <class Value>
// Checks the stored number of an enum whose values are 1 to `last`.
bool in_range(std::uint32_t number, Value last) {
  return number >= 1 && number <= static_cast<std::uint32_t>(last);
}

}  // namespace

std::string_view name(Protocol value) {
  return value == Protocol::Smtp ? "smtp" : "pop3";
}
std::string_view name(UpstreamTls value) {
  return value == UpstreamTls::Implicit ? "implicit" : value == UpstreamTls::StartTls ? "starttls" : "none";
}
std::string_view name(OnCopyFailure value) {
  return value == OnCopyFailure::Refuse ? "refuse" : "pass";
}
std::string_view name(UncopiedDelete value) {
  return value == UncopiedDelete::Copy ? "copy" : value == UncopiedDelete::Refuse ? "refuse" : "pass";
}

std::string Route::upstream() const {
  const bool bracketed = host.find(':') != std::string::npos;
  return (bracketed ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<HostPort> parse_upstream(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const auto port = parse_number(text.substr(colon + 1));
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  // A colon in the host is an IPv6 address and needs brackets; brackets around anything else are an
  // error.
  if ((host.find(':') != std::string_view::npos) != bracketed || !valid_host(host)) return std::nullopt;
  if (!port || *port < 1 || *port > 65'535) return std::nullopt;
  return HostPort{std::string(host), static_cast<std::uint16_t>(*port)};
}

std::optional<WrongRoute> check_route(const Route& route) {
  if (!mail::valid_name(route.name))
    return bad("name", RouteRule::Name, "not a valid route name", route.name);
  if (std::ranges::find(kListenerNames, route.name) != std::end(kListenerNames))
    return {{"name", RouteRule::ReservedName, route.name,
             Error(Code::BadInput, "`" + route.name + "` is reserved for all routes of a protocol")}};
  if (!valid_host(route.host) || route.port == 0)
    return bad("upstream", RouteRule::Upstream, "not a valid upstream server", route.upstream());
  if (route.description.size() > kMaxRouteDescription || !valid_utf8(route.description))
    return bad("description", RouteRule::Description,
               "a description must have at most 1024 bytes and be UTF-8");
  if (route.ca_file.size() > kMaxPath || has_control(route.ca_file) ||
      (!route.ca_file.empty() && route.ca_file.front() != '/'))
    return bad("ca", RouteRule::CaFile, "not a valid path of a CA file", route.ca_file);
  // A pin or CA without TLS would suggest a protection that does not exist.
  if (route.tls == UpstreamTls::None && (route.pin || !route.ca_file.empty()))
    return bad(route.pin ? "pin" : "ca", RouteRule::NeedsTls, "a CA file or a pin needs TLS");
  const std::pair<const char*, std::size_t> lists[] = {
      {"map", route.map.size()}, {"logins", route.logins.size()}, {"clients", route.clients.size()}};
  for (const auto& [field, size] : lists)
    if (size > kMaxPatterns) return bad(field, RouteRule::TooMany, "a list has at most 1000 entries");
  for (const LoginRule& rule : route.map)
    if (!valid_pattern(rule.pattern) || rule.mailbox.zero())
      return bad("map", RouteRule::LoginPattern, "not a valid login pattern with a mailbox", rule.pattern);
  for (const std::string& pattern : route.logins)
    if (!valid_pattern(pattern))
      return bad("logins", RouteRule::LoginPattern, "not a valid login pattern", pattern);
  for (const std::string& block : route.clients)
    if (!mail::valid_block(block))
      return bad("clients", RouteRule::Block, "not a valid address or CIDR block", block);
  // Without any mailbox no mail could be copied, and copying is the purpose of a route.
  if (route.mailbox.zero() && route.map.empty())
    return bad("mailbox", RouteRule::NeedsMailbox, "a route needs a mailbox for its copies");
  if (!route.clients.empty() && route.protocol != Protocol::Smtp)
    return bad("clients", RouteRule::ClientsOfSmtp, "only an SMTP route can have clients without a login");
  // Such a client has no login that `map` could match.
  if (!route.clients.empty() && route.mailbox.zero())
    return bad("mailbox", RouteRule::ClientsMailbox,
               "a route with clients without a login needs its own mailbox");
  return std::nullopt;
}

// Begins with the fields that a newer version wrote, so that an older gw that edits a route does
// not drop them.
Bytes encode(const Route& route) {
  proto::Route out;
  (void)out.ParseFromString(route.unknown);
  out.set_protocol(static_cast<std::uint32_t>(route.protocol));
  out.set_host(route.host);
  out.set_port(route.port);
  out.set_tls(static_cast<std::uint32_t>(route.tls));
  out.set_ca_file(route.ca_file);
  if (route.pin) out.set_pin(std::string(as_text(*route.pin)));
  if (!route.mailbox.zero()) out.set_mailbox(std::string(as_text(route.mailbox.view())));
  for (const LoginRule& rule : route.map) {
    proto::RouteLogin& entry = *out.add_map();
    entry.set_pattern(rule.pattern);
    entry.set_mailbox(std::string(as_text(rule.mailbox.view())));
  }
  for (const std::string& pattern : route.logins) out.add_logins(pattern);
  for (const std::string& block : route.clients) out.add_clients(block);
  out.set_allow_private(route.allow_private);
  out.set_on_copy_failure(static_cast<std::uint32_t>(route.on_copy_failure));
  out.set_uncopied_delete(static_cast<std::uint32_t>(route.uncopied_delete));
  out.set_description(route.description);
  Bytes stored(out.ByteSizeLong());
  (void)out.SerializeToArray(stored.data(), static_cast<int>(stored.size()));
  return stored;
}

Result<Route> decode_route(const store::Record& record) {
  const Error corrupt(Code::Corrupt, "cannot read the route `" + printable(record.key.name) + "`");
  proto::Route in;
  if (!in.ParseFromArray(record.value.data(), static_cast<int>(record.value.size()))) return corrupt;
  if (!in_range(in.protocol(), Protocol::Pop3) || !in_range(in.tls(), UpstreamTls::None) ||
      !in_range(in.on_copy_failure(), OnCopyFailure::Pass) ||
      !in_range(in.uncopied_delete(), UncopiedDelete::Pass) || in.port() > 65'535)
    return corrupt;
  Route route;
  route.name = record.key.name;
  route.version = record.version;
  route.protocol = static_cast<Protocol>(in.protocol());
  route.host = in.host();
  route.port = static_cast<std::uint16_t>(in.port());
  route.tls = static_cast<UpstreamTls>(in.tls());
  route.ca_file = in.ca_file();
  if (!in.pin().empty()) {
    Digest pin{};
    if (in.pin().size() != pin.size()) return corrupt;
    std::ranges::copy(as_bytes(in.pin()), pin.begin());
    route.pin = pin;
  }
  if (!in.mailbox().empty()) route.mailbox = MailboxId::from(as_bytes(in.mailbox()));
  for (const proto::RouteLogin& entry : in.map())
    route.map.push_back({entry.pattern(), MailboxId::from(as_bytes(entry.mailbox()))});
  route.logins.assign(in.logins().begin(), in.logins().end());
  route.clients.assign(in.clients().begin(), in.clients().end());
  route.allow_private = in.allow_private();
  route.on_copy_failure = static_cast<OnCopyFailure>(in.on_copy_failure());
  route.uncopied_delete = static_cast<UncopiedDelete>(in.uncopied_delete());
  route.description = in.description();
  if (check_route(route)) return corrupt;
  // Whatever remains in the message after all known fields are cleared are the fields of newer
  // versions.
  in.clear_protocol();
  in.clear_host();
  in.clear_port();
  in.clear_tls();
  in.clear_ca_file();
  in.clear_pin();
  in.clear_mailbox();
  in.clear_map();
  in.clear_logins();
  in.clear_clients();
  in.clear_allow_private();
  in.clear_on_copy_failure();
  in.clear_uncopied_delete();
  in.clear_description();
  route.unknown = in.SerializeAsString();
  return route;
}

// An invalid name cannot be in the store; asking for it would only give a less clear error.
Result<Route> find_route(store::Store& store, std::string_view name) {
  if (!mail::valid_name(name)) return Error(Code::NotFound, "no route `" + printable(name) + "`");
  const Result<store::Record> record = store.get(route_key(name));
  if (record) return decode_route(*record);
  if (record.error().code() != Code::NotFound) return record.error().within("cannot read the route");
  return Error(Code::NotFound, "no route `" + std::string(name) + "`");
}

Result<std::vector<Route>> routes(store::Store& store) {
  constexpr std::size_t kPage = 100;
  std::vector<Route> all;
  std::string after;
  for (;;) {
    const Result<std::vector<store::Record>> page = store.scan(store::Kind::Route, {}, after, kPage);
    if (!page) return page.error().within("cannot read the routes");
    for (const store::Record& record : *page) {
      Result<Route> route = decode_route(record);
      if (!route) return route.error();
      all.push_back(std::move(*route));
    }
    if (page->size() < kPage) return all;
    after = page->back().key.name;
  }
}

namespace {

// Returns the mailbox's name for the history, or its address if the mailbox cannot be read.
std::string shown_mailbox(store::Store& store, const MailboxId& id) {
  if (id.zero()) return {};
  const Result<store::MailboxRecord> record = store.mailbox(id);
  return record ? record->name : "mbx-" + id.hex();
}

std::vector<std::string> shown_map(store::Store& store, const Route& route) {
  std::vector<std::string> all;
  for (const LoginRule& rule : route.map)
    all.push_back(rule.pattern + "=" + shown_mailbox(store, rule.mailbox));
  return all;
}

// The most important fields come first, because a long text is cut.
std::string differences(store::Store& store, const Route& before, const Route& after) {
  const auto yes = [](bool value) { return value ? "yes" : "no"; };
  Differences found;
  found.value("upstream", before.upstream(), after.upstream());
  found.value("tls", name(before.tls), name(after.tls));
  found.value("pin", before.pin ? to_hex(*before.pin) : "", after.pin ? to_hex(*after.pin) : "");
  found.value("ca", before.ca_file, after.ca_file);
  if (before.mailbox != after.mailbox)
    found.value("mailbox", shown_mailbox(store, before.mailbox), shown_mailbox(store, after.mailbox));
  found.list("map", shown_map(store, before), shown_map(store, after));
  found.list("logins", before.logins, after.logins);
  found.list("clients", before.clients, after.clients);
  found.value("allow private", yes(before.allow_private), yes(after.allow_private));
  found.value("on copy failure", name(before.on_copy_failure), name(after.on_copy_failure));
  found.value("uncopied delete", name(before.uncopied_delete), name(after.uncopied_delete));
  found.value("description", before.description, after.description);
  return found.text();
}

// Describes the change for the history. What is stored is only read for this: put_if() finds out
// whether it is still the version that the change was made from.
store::Note note_of(store::Store& store, const Route& route, std::string_view actor) {
  std::string change = "added, " + std::string(name(route.protocol)) + ", upstream " + route.upstream() +
                       ", tls " + std::string(name(route.tls)) + ", mailbox " +
                       (route.mailbox.zero() ? "by login" : shown_mailbox(store, route.mailbox));
  if (route.version != 0) {
    const Result<Route> before = find_route(store, route.name);
    change = before ? differences(store, *before, route) : "changed";
    if (change.empty()) change = "written again";
  }
  return {store::LeafType::Route, change_note(actor, "route " + route.name, change), 0};
}

}  // namespace

Result<void> put_route(store::Store& store, const Route& route, std::string_view actor) {
  if (const auto wrong = check_route(route)) return wrong->error;
  if (route.version == 0 && !valid_new_name(route.name))
    return Error(Code::BadInput, "not a valid route name: " + route.name);
  const Result<std::uint64_t> put =
      store.put_if(route_key(route.name), route.version, encode(route), note_of(store, route, actor));
  if (put) return {};
  if (put.error().code() == Code::Exists)
    return Error(Code::Exists, "the route `" + route.name + "` already exists");
  return put.error().within("cannot write the route `" + route.name + "`");
}

Result<void> remove_route(store::Store& store, const Route& route, std::string_view actor) {
  const std::string change = "removed, upstream " + route.upstream();
  const Result<void> gone =
      store.erase_if(route_key(route.name), route.version,
                     {store::LeafType::Route, change_note(actor, "route " + route.name, change), 0});
  if (!gone) return gone.error().within("cannot remove the route `" + route.name + "`");
  return {};
}

namespace {

// Matches the login as written, or as an address in any spelling (quotes, case, comments). A
// pattern for an address must not be circumvented by another spelling of it.
bool login_fits(std::string_view login, const std::string& pattern) {
  return fits_pattern(login, pattern) || fits_pattern(mail::comparable(login), mail::comparable(pattern));
}

}  // namespace

bool may_login(const Route& route, std::string_view login) {
  const auto fits = [&](const std::string& pattern) { return login_fits(login, pattern); };
  return (route.logins.empty() || std::ranges::any_of(route.logins, fits)) &&
         mailbox_of(route, login).has_value();
}

std::optional<MailboxId> mailbox_of(const Route& route, std::string_view login) {
  if (!login.empty())
    for (const LoginRule& rule : route.map)
      if (login_fits(login, rule.pattern)) return rule.mailbox;
  if (route.mailbox.zero()) return std::nullopt;
  return route.mailbox;
}

// Asks through resolve(), because the append socket does not permit mailbox().
Result<store::Recipient> target(store::Store& store, const MailboxId& mailbox) {
  return store.resolve("mbx-" + mailbox.hex(), store::Lookup::Recipient);
}

Chosen choose_route(const std::vector<Route>& routes, Protocol protocol, std::string_view login) {
  // The last `#`, since a login may contain one.
  const std::size_t hash = login.rfind('#');
  const Route* only = nullptr;
  std::size_t count = 0;
  for (const Route& route : routes) {
    if (route.protocol != protocol) continue;
    if (hash != std::string_view::npos && login.substr(hash + 1) == route.name)
      return {&route, std::string(login.substr(0, hash))};
    only = &route;
    ++count;
  }
  return {count == 1 ? only : nullptr, std::string(login)};
}

}  // namespace gw::vault

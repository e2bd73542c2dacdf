#include "vault/route_change.h"

#include <algorithm>

namespace gw::vault {
namespace {

template <class Value>
// Returns the enum value, from 1 to `last`, whose name() is this word. The names are thus defined
// only once.
std::optional<Value> parse_word(std::string_view word, Value last) {
  for (unsigned number = 1; number <= static_cast<unsigned>(last); ++number)
    if (word == name(static_cast<Value>(number))) return static_cast<Value>(number);
  return std::nullopt;
}

WrongRoute wrong(std::string_view field, RouteRule rule, const std::string& value, const char* what) {
  return {field, rule, value, Error(Code::Usage, "`" + value + "` is not " + what)};
}

template <class Value>
std::optional<WrongRoute> set_word(std::string_view field, const std::optional<std::string>& said,
                                   std::optional<Value> (*parse)(std::string_view), const char* what,
                                   Value& to) {
  if (!said) return std::nullopt;
  const std::optional<Value> value = parse(*said);
  if (!value) return wrong(field, RouteRule::Word, *said, what);
  to = *value;
  return std::nullopt;
}

std::optional<WrongRoute> apply_words(const RouteChange& said, Route& route) {
  if (auto bad = set_word("tls", said.tls, parse_upstream_tls, "implicit, starttls or none", route.tls))
    return bad;
  if (auto bad = set_word("on_copy_failure", said.on_copy_failure, parse_on_copy_failure, "refuse or pass",
                          route.on_copy_failure))
    return bad;
  return set_word("uncopied_delete", said.uncopied_delete, parse_uncopied_delete, "copy, refuse or pass",
                  route.uncopied_delete);
}

std::optional<WrongRoute> apply_upstream(const RouteChange& said, Route& route) {
  if (said.upstream) {
    const auto upstream = parse_upstream(*said.upstream);
    if (!upstream) return wrong("upstream", RouteRule::Upstream, *said.upstream, "HOST:PORT");
    route.host = upstream->host;
    route.port = upstream->port;
  }
  if (said.ca) route.ca_file = *said.ca;
  if (said.pin) {
    route.pin = said.pin->empty() ? std::nullopt : parse_pin(*said.pin);
    if (!route.pin && !said.pin->empty())
      return wrong("pin", RouteRule::Pin, *said.pin, "a SHA-256 of 64 hex digits");
  }
  return std::nullopt;
}

std::optional<WrongRoute> apply_mailboxes(const RouteChange& said, const MailboxFinder& mailbox_of,
                                          Route& route) {
  if (said.mailbox) {
    // An empty string removes the mailbox.
    route.mailbox = {};
    if (!said.mailbox->empty()) {
      const auto mailbox = mailbox_of(*said.mailbox);
      if (!mailbox) return WrongRoute{"mailbox", RouteRule::NoSuchMailbox, *said.mailbox, mailbox.error()};
      route.mailbox = mailbox->id;
    }
  }
  if (!said.map) return std::nullopt;
  route.map.clear();
  for (const std::string& text : *said.map) {
    // The last `=`: a login may contain one, a mailbox name cannot.
    const std::size_t equals = text.rfind('=');
    if (equals == std::string::npos || equals == 0)
      return wrong("map", RouteRule::MapForm, text, "PATTERN=MAILBOX");
    const auto mailbox = mailbox_of(std::string_view(text).substr(equals + 1));
    if (!mailbox) return WrongRoute{"map", RouteRule::MapForm, text, mailbox.error()};
    route.map.push_back({text.substr(0, equals), mailbox->id});
  }
  return std::nullopt;
}

}  // namespace

std::optional<Protocol> parse_protocol(std::string_view word) {
  return parse_word(word, Protocol::Pop3);
}
std::optional<UpstreamTls> parse_upstream_tls(std::string_view word) {
  return parse_word(word, UpstreamTls::None);
}
std::optional<OnCopyFailure> parse_on_copy_failure(std::string_view word) {
  return parse_word(word, OnCopyFailure::Pass);
}
std::optional<UncopiedDelete> parse_uncopied_delete(std::string_view word) {
  return parse_word(word, UncopiedDelete::Pass);
}

std::optional<Digest> parse_pin(std::string_view text) {
  std::string digits(text);
  std::erase(digits, ':');
  Digest pin{};
  if (!from_hex(digits, pin)) return std::nullopt;
  return pin;
}

std::optional<WrongRoute> apply(const RouteChange& said, const MailboxFinder& mailbox_of, Route& route) {
  if (auto bad = apply_upstream(said, route)) return bad;
  if (auto bad = apply_words(said, route)) return bad;
  if (said.logins) route.logins = *said.logins;
  if (said.clients) route.clients = *said.clients;
  if (said.description) route.description = *said.description;
  if (said.allow_private) route.allow_private = *said.allow_private;
  if (auto bad = apply_mailboxes(said, mailbox_of, route)) return bad;
  // Rules about several fields can only be checked after all are applied, so that the order in
  // which a user gives them does not matter.
  std::optional<WrongRoute> bad = check_route(route);
  if (bad) bad->error = Error(Code::Usage, bad->error.text());
  return bad;
}

}  // namespace gw::vault

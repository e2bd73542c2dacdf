#include "proxy/server.h"

#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "smtp/refusals.h"

namespace gw::proxy {
namespace {

// The meaning of a listener's name.
struct Meaning {
  std::optional<vault::Protocol> protocol;  // nullopt: that of the route
  std::string route;                        // empty: all routes of the protocol
};

// Returns the meaning of a listener's name. `proxy` names a connection whose role nothing else
// tells, such as one from inetd or --stdio.
Meaning meaning_of(std::string_view name, const ProxyService& service) {
  Meaning meaning;
  if (std::ranges::find(vault::kListenerNames, name) != std::end(vault::kListenerNames)) {
    meaning.protocol = name.starts_with("pop3") ? vault::Protocol::Pop3 : vault::Protocol::Smtp;
    meaning.route = service.only;
  } else {
    meaning.route = name == "proxy" ? service.only : std::string(name);
  }
  return meaning;
}

}  // namespace

Result<void> check_proxy(const std::vector<std::string>& names, const ProxyService& service) {
  const Result<std::vector<vault::Route>> routes = service.routes->all();
  for (const std::string& name : names) {
    const Meaning meaning = meaning_of(name, service);
    if (meaning.route.empty() && !meaning.protocol)
      return Error(Code::Config, "no route is given")
          .with_hint("use --route NAME, or --listen NAME=ADDR:PORT");
    // A vault that cannot be reached is no reason not to start: the keeper may come up later.
    if (!routes || meaning.route.empty()) continue;
    const auto found = std::ranges::find(*routes, meaning.route, &vault::Route::name);
    if (found == routes->end())
      return Error(Code::Config, "no route `" + printable(meaning.route) + "`")
          .with_hint("gw-store route add");
    if (meaning.protocol && *meaning.protocol != found->protocol)
      return Error(Code::Config, "the route `" + found->name + "` is for " +
                                     std::string(vault::name(found->protocol)) + ", but the listener is not");
  }
  return {};
}

void serve_proxy(net::Stream stream, const net::Listener& listener, const ProxyService& service) {
  Meaning meaning = meaning_of(listener.protocol, service);
  if (!meaning.protocol) {
    // Read the routes, and then use known(): it also knows a route that was removed while its
    // listener is open, so that the client gets a reply of the right protocol. An error is logged
    // by all().
    (void)service.routes->all();
    meaning.protocol = service.routes->known(meaning.route);
  }
  if (!meaning.protocol) {
    log::error("route not found", {{"route", meaning.route}, {"peer", stream.peer().address}});
    return;
  }
  if (*meaning.protocol == vault::Protocol::Smtp)
    serve_smtp_proxy(std::move(stream), {listener.protocol, meaning.route, listener.implicit_tls},
                     service.smtp);
  else
    serve_pop3_proxy(std::move(stream), {listener.protocol, meaning.route, listener.implicit_tls},
                     service.pop3);
}

std::string proxy_refusal(const net::Listener& listener, const ProxyService& service) {
  // The client expects a TLS handshake; a handshake is too much work for a connection over the
  // limit.
  if (listener.implicit_tls) return {};
  const Meaning meaning = meaning_of(listener.protocol, service);
  const auto protocol = meaning.protocol ? meaning.protocol : service.routes->known(meaning.route);
  if (!protocol) return {};
  return *protocol == vault::Protocol::Smtp ? smtp::reply(smtp::Refusal::TooManyConnections).wire()
                                            : "-ERR [SYS/TEMP] Too many connections, try again later\r\n";
}

}  // namespace gw::proxy

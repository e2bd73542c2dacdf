// Dispatches the connections of gw-proxy to its SMTP or POP3 half, by the name of the listener.
//
// A listener is named for a protocol (`smtp`, `submission`, `pop3s`, …: vault::kListenerNames) and
// serves every route of it, or it is named for a single route. A connection whose listener has
// neither name, for example one from inetd on an unusual port, is served by the route `only`
// (--route).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "net/listener.h"
#include "net/stream.h"
#include "proxy/pop3_proxy.h"
#include "proxy/routes.h"
#include "proxy/smtp_proxy.h"

namespace gw::proxy {

// The settings and objects that all connections share. It must outlive every connection.
struct ProxyService {
  SmtpProxyService smtp;
  Pop3ProxyService pop3;
  ProxyRoutes* routes = nullptr;  // must not be null
  // The route that listeners without a route's name serve. Empty: all routes of the listener's
  // protocol.
  std::string only;
};

// Checks the names of the listeners, before the server accepts connections. Fails with Config if a
// name or `only` is a route that does not exist or is of the other protocol, and if nothing says
// what a listener serves. If the vault cannot be reached, the routes are not checked; an unknown
// one then shows at its first connection.
Result<void> check_proxy(const std::vector<std::string>& names, const ProxyService& service);

// Serves one connection on the calling thread and returns when it has ended. Closes the connection
// without a greeting if its route, and with it its protocol, is unknown.
void serve_proxy(net::Stream stream, const net::Listener& listener, const ProxyService& service);

// Returns the reply for a connection that exceeds a connection limit. Empty if nothing can be sent:
// the client begins with TLS, or the protocol is unknown. Does not ask the vault.
std::string proxy_refusal(const net::Listener& listener, const ProxyService& service);

}  // namespace gw::proxy

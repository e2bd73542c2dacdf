// gw-proxy's connections, of either protocol: which half serves them, and by which route.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "gate/pop3_relay.h"
#include "gate/relay_routes.h"
#include "gate/smtp_relay.h"
#include "net/listener.h"
#include "net/stream.h"

namespace gw::gate {

struct RelayService {
  SmtpRelayService smtp;
  Pop3RelayService pop3;
  RelayRoutes* routes = nullptr;
  std::string only;  // the route that listeners without one serve; empty: all of their protocol
};

// A listener is named for a protocol (`smtp`, `submission`, `pop3s`: every route of it) or for a route. One
// that is named for neither, as a connection from inetd on an odd port, is served by `only`.
//
// Config: a listener, or `only`, names a route that is not in the vault. Where the vault cannot be asked that
// shows at the first connection instead.
Result<void> check_relay(const std::vector<std::string>& names, const RelayService& service);

// Serves the connection until it ends. One whose protocol is not known, since its route is not, is closed.
void serve_relay(net::Stream stream, const net::Listener& listener, const RelayService& service);

// What a connection over a cap is told.
std::string relay_refusal(const net::Listener& listener, const RelayService& service);

}  // namespace gw::gate

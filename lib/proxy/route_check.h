// Tests a route in the way gw-proxy uses it: connects to its server, starts TLS, reads the
// capabilities, and quits. The test sends neither credentials nor mail.
//
// If the connection fails in a way that a rejected certificate causes, the test connects a second
// time without verification, so that the operator sees which certificate the server presents. The
// second connection also ends after the capabilities.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "net/stream.h"
#include "vault/route.h"

namespace gw::proxy {

// The result of a test.
struct RouteCheck {
  // Why gw-proxy cannot use the route, as text for people; empty if it can.
  std::string trouble;
  std::string hint;                  // the command that helps; empty if none is known
  std::string address;               // address of the server; empty if no connection was made
  std::optional<net::TlsFacts> tls;  // nullopt if TLS was not reached
  std::optional<net::ServerCertificate> certificate;  // set also if it was rejected
  // The route has a pin, which decides instead of `certificate->verdict`.
  bool pinned = false;
  // Capabilities of the server, such as `AUTH PLAIN LOGIN` or `STLS`.
  std::vector<std::string> capabilities;
  std::chrono::milliseconds took{0};  // duration of the whole test
};

// Tests `route`. `host` is the name for EHLO. Never fails: the result says what went wrong. Blocks
// the caller; each reply and handshake has a limit of 5 or 8 seconds.
RouteCheck check_route_upstream(const vault::Route& route, const std::string& host);

}  // namespace gw::proxy

// Tries a route out as gw-proxy would use it: connects to its server, begins TLS, asks what it can do, and
// says goodbye. No credentials are sent and no mail.
//
// Where the certificate is not accepted it is looked at once more without a judgement, so that people see
// which one it is; that conversation ends right behind the server's list of what it can do.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "net/stream.h"
#include "vault/route.h"

namespace gw::gate {

struct RouteProbe {
  std::string trouble;  // why gw-proxy cannot use it, for people; empty: it can
  std::string address;  // that was connected to; empty: none
  std::optional<net::TlsFacts> tls;
  std::optional<net::ServerCertificate> certificate;
  bool pinned = false;                    // the pin is what counts, not the certificate's verdict
  std::vector<std::string> capabilities;  // as the server has them: `AUTH PLAIN LOGIN`, `STLS`
  std::chrono::milliseconds took{0};
};

// `host` is what the server is told that we are. Takes a minute at most.
RouteProbe probe_route(const vault::Route& route, const std::string& host);

}  // namespace gw::gate

// gw-proxy's SMTP half: one client's connection, joined with the server that its route leads to.
//
// Commands and mail pass through, and each mail leaves a sealed copy. What decides everything is the final
// dot: the copy is durable, as *pending*, before the dot goes upstream, and then becomes what the upstream
// says: live, discarded, or, where it said nothing, unconfirmed (wire.md section 4). So there is no moment at
// which the upstream may have a mail that has no copy. The client hears the upstream's own replies.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "gate/auth_limits.h"
#include "gate/login_patience.h"
#include "gate/relay_routes.h"
#include "gate/session_tally.h"
#include "gate/smtp_upstream.h"
#include "gate/upstream.h"
#include "net/stream.h"
#include "net/tls.h"
#include "store/store.h"

namespace gw::gate {

struct SmtpRelayService {
  std::string host;
  // The vault, by its append socket; the store outlives the connection.
  std::function<Result<store::Store*>()> store;
  Report report;  // where sessions say what they did
  // Certificates in force. Empty: there are none, and STARTTLS is not offered.
  std::function<Result<std::shared_ptr<const net::ServerTls>>()> tls;
  RelayRoutes* routes = nullptr;
  Upstreams* upstreams = nullptr;
  AuthLimits* limits = nullptr;  // shared by the connections; null: no waits
  std::uint64_t max_size = 512ull << 20;
  std::size_t max_recipients = 1000;
  bool require_tls = false;
  bool allow_plaintext_auth = false;  // from loopback addresses only
  bool listen_for_early_talk = true;  // off where input is a file or pipe, which is ready at once
  LoginLimits login;                  // of clients that must log in
  std::chrono::milliseconds idle_timeout{300'000};
  std::chrono::milliseconds data_timeout{180'000};
  std::chrono::milliseconds handshake_timeout{30'000};
  SmtpTimeouts upstream;
};

struct SmtpRelayListener {
  std::string name;           // as the envelope calls it: the route's, or `smtp`, `submission`
  std::string route;          // the one that is served; empty: every route of the protocol
  bool implicit_tls = false;  // the connection begins with a handshake
};

// Serves the connection until it ends.
void serve_smtp_relay(net::Stream stream, const SmtpRelayListener& listener, const SmtpRelayService& service);

}  // namespace gw::gate

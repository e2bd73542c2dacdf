// gw-proxy's POP3 half: a client's session passed through to a provider's server, a sealed copy kept of each
// mail that is fetched.
//
// What the client gets is what the server sent, octet by octet, and in its order. In between stand three
// promises:
//   - RETR: the client gets the final dot once the copy is durable.
//   - DELE: passes where a durable copy exists; else the mail is fetched and sealed first.
//   - QUIT: passes; whatever else ends the session closes the server's connection without it, so that nothing
//     is deleted there.
// A mail that this login fetched before by this route is passed on and not stored again.
//
// What the client hears for our own troubles is [SYS/TEMP]; a login that no route takes hears [AUTH].
// Credentials pass through in locked memory; they are neither kept nor logged.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "gate/auth_limits.h"
#include "gate/login_patience.h"
#include "gate/pop3_upstream.h"
#include "gate/session_tally.h"
#include "gate/upstream.h"
#include "net/stream.h"
#include "net/tls.h"
#include "store/store.h"
#include "vault/route.h"

namespace gw::gate {

struct Pop3RelayListener {
  std::string name;   // as the log and the envelope have it
  std::string route;  // the one it serves; empty: every POP3 route, named behind the login (`joe#work`)
  bool implicit_tls = false;
};

struct Pop3RelayService {
  std::string host;
  // The vault, asked for at each login and each copy; the store outlives the connection.
  std::function<Result<store::Store*>()> store;
  Report report;  // where sessions say what they did
  // The routes as they are now. Where the vault cannot be reached they may be those of before, so that one
  // that says `pass` still passes.
  std::function<Result<std::vector<vault::Route>>()> routes;
  // Certificates in force. Empty: there are none, and STLS is not offered.
  std::function<Result<std::shared_ptr<const net::ServerTls>>()> tls;
  Upstreams* upstreams = nullptr;  // shared by the connections
  const Secret* fingerprint_key = nullptr;
  AuthLimits* limits = nullptr;  // shared by the connections; none: no waits
  UpstreamTimes times;
  LoginLimits login;                       // of the client
  std::chrono::seconds idle_timeout{600};  // of the client
  std::chrono::seconds handshake_timeout{30};
  std::chrono::seconds grace{20};     // for the mail in hand, once the process is asked to stop
  bool allow_plaintext_auth = false;  // for local peers only
};

// Serves the connection until it ends.
void serve_pop3_relay(net::Stream stream, const Pop3RelayListener& listener, const Pop3RelayService& service);

}  // namespace gw::gate

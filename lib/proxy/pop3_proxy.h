// The POP3 half of gw-proxy: passes a client's session through to the provider's server (the
// upstream) and keeps a sealed archive copy of each mail that the client fetches.
//
// The client receives the bytes of the upstream unchanged and in order, with three guarantees:
//   - RETR: the client gets the final dot only after the copy is durable.
//   - DELE: passes only if a durable copy exists; otherwise the mail is fetched and sealed first,
//     or the route decides (--uncopied-delete, gw-store(1)).
//   - QUIT: passes. Every other end of the session closes the upstream connection without QUIT, so
//     that the upstream deletes nothing (RFC 1939, section 6).
// A mail that this login has fetched by this route before is passed on and not stored a second
// time.
//
// Errors of gw-proxy itself are replied to with [SYS/TEMP] (RFC 3206); a login that no route
// accepts gets [AUTH]. Credentials are held in locked memory, and are neither stored nor logged.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "daemon/login_timeout.h"
#include "daemon/session_stats.h"
#include "net/login_throttle.h"
#include "net/stream.h"
#include "net/tls.h"
#include "proxy/pop3_upstream.h"
#include "proxy/upstream.h"
#include "store/store.h"
#include "vault/route.h"

namespace gw::proxy {

struct Pop3ProxyListener {
  std::string name;  // for the log and the envelope
  // The route that this listener serves. Empty: every POP3 route; the client appends the name of
  // the route to its login (`joe#work`).
  std::string route;
  bool implicit_tls = false;  // the connection begins with a TLS handshake
};

// The settings and objects that all connections share. The functions are called from the threads of
// all connections at the same time. The object, and everything that it points to, must outlive
// every connection.
struct Pop3ProxyService {
  std::string host;  // name of this server, for the greeting and the envelope
  // Returns the vault's store. Called at each login and for each copy; the store must outlive the
  // connection.
  std::function<Result<store::Store*>()> store;
  daemon::Report report;  // receives the statistics of each session; may be null
  // Returns the current routes. If the vault cannot be reached it may return routes that were read
  // before, so that a route with --on-copy-failure pass still works then.
  std::function<Result<std::vector<vault::Route>>()> routes;
  // Returns the current certificates. Null: there are none, and STLS is not offered.
  std::function<Result<std::shared_ptr<const net::ServerTls>>()> tls;
  Upstreams* upstreams = nullptr;           // must not be null
  const Secret* fingerprint_key = nullptr;  // must not be null; proxy/fingerprint_key.h
  net::LoginThrottle* limits = nullptr;     // null: wrong passwords cause no wait
  UpstreamTimes times;                      // timeouts towards the upstream
  daemon::LoginLimits login;                // time that a client has to log in
  std::chrono::seconds idle_timeout{600};   // for one read from, or write to, the client
  std::chrono::seconds handshake_timeout{30};
  std::chrono::seconds grace{20};     // for the current mail, after the process is asked to stop
  bool allow_plaintext_auth = false;  // login without TLS; local peers only
};

// Serves one connection on the calling thread and returns when it has ended. Never fails: errors
// are replied to the client and logged.
void serve_pop3_proxy(net::Stream stream, const Pop3ProxyListener& listener, const Pop3ProxyService& service);

}  // namespace gw::proxy

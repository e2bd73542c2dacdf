// The SMTP half of gw-proxy: joins a client's connection with the server of its route (the
// upstream).
//
// Commands and mail pass through, and the client receives the upstream's replies. Each mail leaves
// a sealed archive copy. The copy is committed as *pending* before the final dot goes to the
// upstream. It then becomes live if the upstream accepts the mail, is discarded if the upstream
// refuses it, and becomes unconfirmed if no reply arrives. At no moment can the upstream have
// accepted a mail of which no copy exists, unless the route lets mail pass without one
// (--on-copy-failure pass). gw-proxy(8), section "Sending", describes this.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "daemon/login_timeout.h"
#include "daemon/session_stats.h"
#include "net/login_throttle.h"
#include "net/stream.h"
#include "net/tls.h"
#include "proxy/routes.h"
#include "proxy/smtp_upstream.h"
#include "proxy/upstream.h"
#include "store/store.h"

namespace gw::proxy {

// The settings and objects that all connections share. The functions are called from the threads of
// all connections at the same time. The object, and everything that it points to, must outlive
// every connection.
struct SmtpProxyService {
  // Name of this server, for the greeting, for EHLO to the upstream, and the envelope.
  std::string host;
  // Returns the vault's store, connected to the append socket; the store must outlive the
  // connection.
  std::function<Result<store::Store*>()> store;
  daemon::Report report;  // receives the statistics of each session; may be null
  // Returns the current certificates. Null: there are none, and STARTTLS is not offered.
  std::function<Result<std::shared_ptr<const net::ServerTls>>()> tls;
  ProxyRoutes* routes = nullptr;          // must not be null
  Upstreams* upstreams = nullptr;         // must not be null
  net::LoginThrottle* limits = nullptr;   // null: wrong passwords cause no wait
  std::uint64_t max_size = 512ull << 20;  // bytes of a message; the upstream's limit applies too
  std::size_t max_recipients = 1000;      // in one mail
  bool require_tls = false;               // --require-tls: accept no mail before STARTTLS
  bool allow_plaintext_auth = false;      // AUTH without TLS, from loopback addresses only
  // Refuse clients that send before the greeting. Turn it off if the input is a file or a pipe,
  // which is readable immediately.
  bool listen_for_early_talk = true;
  daemon::LoginLimits login;                        // time that a client has to log in, if it must
  std::chrono::milliseconds idle_timeout{300'000};  // see SmtpConnection::Timeouts
  std::chrono::milliseconds data_timeout{180'000};
  std::chrono::milliseconds handshake_timeout{30'000};
  SmtpTimeouts upstream;  // timeouts towards the upstream
};

struct SmtpProxyListener {
  std::string name;  // for the envelope: the name of the route, or `smtp`, `submission`, …
  // The route that this listener serves. Empty: every SMTP route; the client appends the name of
  // the route to its login (`joe#work`).
  std::string route;
  bool implicit_tls = false;  // the connection begins with a TLS handshake
};

// Serves one connection on the calling thread and returns when it has ended. Never fails: errors
// are replied to the client and logged.
void serve_smtp_proxy(net::Stream stream, const SmtpProxyListener& listener, const SmtpProxyService& service);

}  // namespace gw::proxy

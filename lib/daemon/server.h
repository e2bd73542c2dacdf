// The common parts of gw-smtpd, gw-pop3d and gw-proxy: sources of connections, certificates, and
// the link to the keeper.
//
//   Certificates certificates(files);
//   VaultConnection keeper(place, {keeper::Role::Append, "gw-smtpd"});
//   run_server(plan, certificates, [&](net::Stream stream, const net::Listener& listener) { ... });
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "keeper/start.h"
#include "net/listener.h"
#include "net/serve.h"
#include "net/tls.h"
#include "store/store.h"

namespace gw::daemon {

// The certificates of the process. They are loaded when they are first needed, so that a connection
// under inetd that never uses TLS does not pay for it, and are replaced as a whole on reload. All
// members may be called from several threads at the same time.
class Certificates {
 public:
  explicit Certificates(std::vector<net::CertificateFiles> files) : files_(std::move(files)) {}

  bool configured() const { return !files_.empty(); }
  // Returns the certificates, which stay valid for the holder of the pointer after a reload. Fails
  // with Config if none are configured, and with the error of net::ServerTls::load() if the files
  // cannot be used; the next call then tries again.
  Result<std::shared_ptr<const net::ServerTls>> current();
  // Reads the files again. If they cannot be used, logs an error and keeps the certificates that it
  // has.
  void reload();

 private:
  std::vector<net::CertificateFiles> files_;
  std::mutex mutex_;
  std::shared_ptr<const net::ServerTls> loaded_;
};

// The connection to the keeper. It is made when it is first needed, so that a session that never
// names a mailbox does not start a keeper. All members may be called from several threads at the
// same time.
class VaultConnection {
 public:
  VaultConnection(keeper::Place place, keeper::Connect how)
      : place_(std::move(place)), how_(std::move(how)) {}

  // Returns the store, connecting if there is no connection yet. The pointer is valid as long as
  // this object. Fails with Unavailable if the keeper cannot be reached; the next call then tries
  // again.
  Result<store::Store*> store();
  // Adds statistics of a session and sends them to the keeper. Without a connection they are kept
  // and sent with a later report. Never fails, and never starts a keeper.
  void report(const store::ServerStats& stats);

 private:
  keeper::Place place_;
  keeper::Connect how_;
  std::mutex mutex_;
  std::unique_ptr<store::Store> store_;
  store::ServerStatsTable unsaid_;  // statistics that the keeper does not have yet
};

// Where connections come from and how they are served.
struct DaemonOptions {
  std::string protocol;  // `smtp` or `pop3`; or `proxy`, where --listen has the form NAME=ADDR:PORT
  // --listen. Empty: use the sockets from systemd, or else the connection from inetd.
  std::vector<std::string> listen;
  bool stdio = false;         // serve one session on descriptors 0 and 1, of whatever kind they are
  bool implicit_tls = false;  // the session on descriptor 0 begins with a TLS handshake
  bool announce = false;      // print `listening PROTOCOL ADDRESS` lines on standard output
  net::ServeLimits limits;
  // Called when the sockets are open, before the first connection is served and before there are
  // other threads. The servers enter the sandbox here (daemon/confinement.h). Null: do nothing.
  std::function<Result<void>()> before_serving;
  // Load the certificates before settle(), because the process cannot read them after it.
  bool load_keys_early = false;
  // Called on SIGHUP, after the certificates have been reloaded; may be null.
  std::function<void()> on_reload;
};

// Returns the name and the address of a value of --listen. The name is the protocol, and for
// gw-proxy that of the route. Fails with Usage if the text has another form.
Result<std::pair<std::string, net::ListenSpec>> listener_address(const DaemonOptions& plan,
                                                                 const std::string& text);

// Serves connections until the process is asked to stop, or until the one connection that inetd,
// systemd or --stdio has passed in has ended. Certificates of listeners are loaded before the first
// connection, so that a wrong configuration shows at the start: if they cannot be used, --listen is
// an error. Sockets of systemd are served nevertheless if one of them begins without TLS; those that
// need a certificate close their connections until it can be loaded. `handler` serves one connection on
// its own thread; `refusal` returns the reply for a connection over a limit. Fails with Usage if
// there is neither a listener nor a connection, and with the error of `settle`.
Result<void> run_server(const DaemonOptions& plan, Certificates& certificates, const net::Handler& handler,
                        const net::Refusal& refusal);

}  // namespace gw::daemon

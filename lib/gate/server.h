// What gw-smtpd and gw-pop3d share: where their connections come from, their certificates, their vault.
//
//   Certificates certificates(files);
//   KeeperLink keeper(place, {keeper::Role::Append, "gw-smtpd"});
//   run_server(plan, certificates, [&](net::Stream stream, const net::Listener& listener) { ... });
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "keeper/start.h"
#include "net/serve.h"
#include "net/tls.h"
#include "store/store.h"

namespace gw::gate {

// The process's certificates: loaded when first needed, so that a connection that never asks for TLS does not
// pay for it, and replaced as a whole on reload. Safe from several threads.
class Certificates {
 public:
  explicit Certificates(std::vector<net::CertificateFiles> files) : files_(std::move(files)) {}

  bool configured() const { return !files_.empty(); }
  // Config where none is configured or the files cannot be used.
  Result<std::shared_ptr<const net::ServerTls>> current();
  // Reads the files anew. Where they cannot be used the old ones stay, and the log says so.
  void reload();

 private:
  std::vector<net::CertificateFiles> files_;
  std::mutex mutex_;
  std::shared_ptr<const net::ServerTls> loaded_;
};

// The vault, reached when first needed: a session that never names a mailbox does not start a keeper.
class KeeperLink {
 public:
  KeeperLink(keeper::Place place, keeper::Connect how) : place_(std::move(place)), how_(std::move(how)) {}

  // The store lives as long as this. After a failure the next call tries again.
  Result<store::Store*> store();
  // Takes the counts to the keeper where it is connected; else they wait until it is. Never fails.
  void report(const store::Tally& tally);

 private:
  keeper::Place place_;
  keeper::Connect how_;
  std::mutex mutex_;
  std::unique_ptr<store::Store> store_;
  store::Tallies unsaid_;
};

struct ServerPlan {
  std::string protocol;             // `smtp`, `pop3`, or `proxy`, whose --listen is NAME=ADDR:PORT
  std::vector<std::string> listen;  // --listen; empty: sockets from systemd, else a connection from inetd
  bool stdio = false;               // one session on descriptors 0 and 1, whatever they are
  bool implicit_tls = false;        // of the session on descriptor 0
  bool announce = false;            // `listening PROTOCOL ADDRESS` lines
  net::ServeLimits limits;
  // Called once sockets, and keys where `keys_first`, are held, before the first connection is served and
  // before there are threads: the way to gate/confinement.h.
  std::function<Result<void>()> settle;
  bool keys_first = false;          // certificates cannot be read after settle()
  std::function<void()> on_reload;  // on SIGHUP, besides the certificates
};

// Serves until a stop is requested, or the one connection that was handed over has ended. Certificates of
// listeners are loaded before the first connection, so a bad configuration shows at start. Usage where there
// is nothing to serve on.
Result<void> run_server(const ServerPlan& plan, Certificates& certificates, const net::Handler& handler,
                        const net::Refusal& refusal);

}  // namespace gw::gate

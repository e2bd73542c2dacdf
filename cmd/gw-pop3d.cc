// gw-pop3d(8): POP3 server, through which archives drain mailboxes. Reads the options and
// configuration, and hands connections to gate/pop3_server.h.
#include "cli/program.h"
#include "gate/auth_limits.h"
#include "gate/pop3_server.h"
#include "gate/server.h"
#include "server_options.h"

namespace gw::cmd {
namespace {

Result<void> serve(const ServerOptions& options) {
  auto config = options.resolve(&config::Config::pop3d);
  if (!config) return config.error();
  if (auto done = options.config.done(*config); !done || *done)
    return done ? Result<void>() : Result<void>(done.error());

  if (auto logged = cli::choose_log(config->log); !logged) return logged.error();
  // Before anything connects to the keeper: this may fork the process that starts a keeper later,
  // when the sandbox no longer permits it. It also decides which user reads the keys.
  auto confinement = begin_confinement(*config, config->pop3d, "gw-drain");
  if (!confinement) return confinement.error();
  gate::Certificates certificates(certificate_files(*config));
  gate::KeeperLink keeper(keeper::place_of(config->vault, config->run),
                          {keeper::Role::Drain, "gw-pop3d", true, confinement->starting()});
  gate::AuthLimits limits;
  gate::Pop3Service service;
  service.host = config->host;
  service.store = [&] { return keeper.store(); };
  service.report = [&](const store::Tally& tally) { keeper.report(tally); };
  if (certificates.configured()) service.tls = [&] { return certificates.current(); };
  service.limits = &limits;
  service.login.time = config->pop3d.login_timeout;
  service.idle_timeout = config->pop3d.idle_timeout;
  // require-tls wins over allow-plaintext-auth.
  service.allow_plaintext_auth = config->pop3d.allow_plaintext_auth && !config->pop3d.require_tls;

  gate::ServerPlan plan = options.plan("pop3", config->pop3d);
  // Called after the sockets are open and before the first connection, while there is one thread.
  plan.settle = [&] { return confinement->close(); };
  // Only root may be able to read the keys of the certificates.
  plan.keys_first = confinement->changes_user();
  return gate::run_server(
      plan, certificates,
      [&](net::Stream stream, const net::Listener& listener) {
        gate::serve_pop3(std::move(stream), listener.implicit_tls, service);
      },
      [](const net::Listener&) { return std::string("-ERR [SYS/TEMP] too many connections\r\n"); });
}

}  // namespace
}  // namespace gw::cmd

int main(int argc, char** argv) {
  gw::cli::Program program("gw-pop3d", "Let archives drain mailboxes of the vault over POP3.");
  gw::cmd::ServerOptions options;
  options.declare(program.options());
  return program.run(argc, argv, [&] { return gw::cmd::serve(options); });
}

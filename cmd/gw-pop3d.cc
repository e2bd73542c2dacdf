// gw-pop3d(8): POP3 server, through which archives drain mailboxes. Reads the options and
// configuration, and hands connections to pop3d/server.h.
#include "cli/program.h"
#include "daemon/server.h"
#include "net/login_throttle.h"
#include "pop3d/server.h"
#include "server_options.h"

namespace gw::cmd {
namespace {

Result<void> serve(const ServerOptions& options) {
  auto config = options.resolve(&config::Config::pop3d);
  if (!config) return config.error();
  daemon::DaemonOptions plan = options.plan("pop3", config->pop3d);
  if (auto done = only_config(options, *config, config->pop3d, plan, "gw-drain"); !done || *done)
    return done ? Result<void>() : Result<void>(done.error());

  if (auto logged = cli::choose_log(config->log); !logged) return logged.error();
  // Before anything connects to the keeper: this may fork the process that starts a keeper later,
  // when the sandbox no longer permits it. It also decides which user reads the keys.
  auto confinement = begin_confinement(*config, config->pop3d, "gw-drain");
  if (!confinement) return confinement.error();
  daemon::Certificates certificates(certificate_files(*config));
  daemon::VaultConnection keeper(keeper::place_of(config->vault, config->run),
                                 {keeper::Role::Drain, "gw-pop3d", true, confinement->starting()});
  net::LoginThrottle limits;
  pop3d::Pop3Service service;
  service.host = config->host;
  service.store = [&] { return keeper.store(); };
  service.report = [&](const store::ServerStats& stats) { keeper.report(stats); };
  if (certificates.configured()) service.tls = [&] { return certificates.current(); };
  service.limits = &limits;
  service.login.time = config->pop3d.login_timeout;
  service.idle_timeout = config->pop3d.idle_timeout;
  // require-tls wins over allow-plaintext-auth.
  service.allow_plaintext_auth = config->pop3d.allow_plaintext_auth && !config->pop3d.require_tls;

  // Called after the sockets are open and before the first connection, while there is one thread.
  plan.before_serving = [&] { return confinement->close(); };
  // Only root may be able to read the keys of the certificates.
  plan.load_keys_early = confinement->changes_user();
  return daemon::run_server(
      plan, certificates,
      [&](net::Stream stream, const net::Listener& listener) {
        pop3d::serve_pop3(std::move(stream), listener.implicit_tls, service);
      },
      [](const net::Listener&) {
        return std::string("-ERR [SYS/TEMP] Too many connections, try again later\r\n");
      });
}

}  // namespace
}  // namespace gw::cmd

int main(int argc, char** argv) {
  gw::cli::Program program("gw-pop3d", "Serve the mailboxes of the vault to archives over POP3");
  gw::cmd::ServerOptions options;
  options.declare(program);
  return program.run(argc, argv, [&] { return gw::cmd::serve(options); });
}

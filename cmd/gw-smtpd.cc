// gw-smtpd(8): SMTP server that seals each mail into the vault. Reads the options and
// configuration, and hands connections to smtpd/server.h.
#include "cli/values.h"
#include "server_options.h"
#include "smtp/refusals.h"
#include "smtpd/server.h"

namespace {

using namespace gw;

struct Options {
  cmd::ServerOptions server;
  std::optional<std::uint64_t> max_size;
};

Result<void> serve(const Options& options) {
  auto config = options.server.resolve(&config::Config::smtpd);
  if (!config) return config.error();
  if (options.max_size) config->smtpd.max_size = *options.max_size;
  daemon::DaemonOptions plan = options.server.plan("smtp", config->smtpd);
  if (auto done = cmd::only_config(options.server, *config, config->smtpd, plan, "gw-receive");
      !done || *done)
    return done ? Result<void>() : Result<void>(done.error());

  if (auto logged = cli::choose_log(config->log); !logged) return logged.error();
  // Before anything connects to the keeper: this may fork the process that starts a keeper later,
  // when the sandbox no longer permits it.
  auto confinement = cmd::begin_confinement(*config, config->smtpd, "gw-receive");
  if (!confinement) return confinement.error();
  daemon::Certificates certificates(cmd::certificate_files(*config));
  daemon::VaultConnection keeper(keeper::place_of(config->vault, config->run),
                                 {keeper::Role::Append, "gw-smtpd", true, confinement->starting()});
  // Counts unknown recipients by source for all sessions of this process, to slow down the guessing
  // of addresses.
  net::LoginThrottle guesses(smtpd::guess_policy());
  net::LoginThrottle logins;
  smtpd::SmtpService service;
  service.host = cmd::own_host(*config);
  service.store = [&] { return keeper.store(); };
  service.report = [&](const store::ServerStats& stats) { keeper.report(stats); };
  if (certificates.configured()) service.tls = [&] { return certificates.current(); };
  service.max_size = config->smtpd.max_size;
  service.max_recipients = config->smtpd.max_recipients;
  service.require_tls = config->smtpd.require_tls;
  service.allow_plaintext_auth = config->smtpd.allow_plaintext_auth && !config->smtpd.require_tls;
  service.reject_bare_newline = config->smtpd.reject_bare_newline;
  service.guesses = &guesses;
  service.logins = &logins;
  // With --stdio the input may hold all commands from the start.
  service.listen_for_early_talk = !options.server.stdio;
  service.idle_timeout = config->smtpd.idle_timeout;
  service.data_timeout = config->smtpd.data_timeout;

  // Called after the sockets are open and before the first connection, while there is one thread.
  plan.before_serving = [&] { return confinement->close(); };
  plan.load_keys_early = confinement->changes_user();
  return daemon::run_server(
      plan, certificates,
      [&](net::Stream stream, const net::Listener& listener) {
        smtpd::serve_smtp(std::move(stream), {listener.protocol, listener.implicit_tls}, service);
      },
      [](const net::Listener& listener) {
        return listener.implicit_tls ? std::string() : smtp::reply(smtp::Refusal::TooManyConnections).wire();
      });
}

}  // namespace

int main(int argc, char** argv) {
  cli::Program program("gw-smtpd", "Receive mail over SMTP into the vault");
  Options options;
  options.server.idle_default = "5m";
  options.server.declare(program);
  cli::size_option(program.options(), "--max-size", options.max_size,
                   "Accept messages up to this size (default: 512MiB)");
  return program.run(argc, argv, [&] { return serve(options); });
}

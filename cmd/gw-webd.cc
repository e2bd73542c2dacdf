// gw-webd(8): the console in the browser and its API. Reads the options and configuration, and
// hands connections to web/http/http_connection.h.
#include "base/log.h"
#include "cli/program.h"
#include "daemon/server.h"
#include "server_options.h"
#include "vault/route.h"
#include "web/console.h"
#include "web/http/http_connection.h"

namespace gw::cmd {
namespace {

// Rejects a listener without TLS on an address that other hosts can reach: passwords and session
// cookies could be read on the way.
Result<void> check_plain(const daemon::DaemonOptions& plan) {
  for (const std::string& text : plan.listen) {
    const auto spec = net::parse_listen(text);
    if (!spec) return spec.error();
    net::Peer peer;
    peer.address = spec->host;
    if (spec->implicit_tls || peer.loopback()) continue;
    return Error(Code::Config, "refusing to serve the console without TLS: " + text)
        .with_hint("add `,tls`, or listen on 127.0.0.1 behind a web server with TLS");
  }
  return {};
}

// Checks the same for each connection of sockets that systemd passed, whose addresses are not in
// the configuration.
bool may_be_served(const net::Stream& stream, const net::Listener& listener) {
  net::Peer ours;
  // Not `local_address`, which is the balancer's if the connection began with a PROXY header.
  ours.address = stream.peer().socket_address;
  if (listener.implicit_tls || ours.loopback() || stream.peer().address == "unix") return true;
  log::error("connection refused",
             {{"reason", "clients on other hosts need TLS"}, {"listener", listener.address}});
  return false;
}

constexpr std::string_view kUnix = "unix";

Result<void> serve(const ServerOptions& options, const std::vector<std::string>& trusted_proxy) {
  auto config = options.resolve(&config::Config::webd);
  if (!config) return config.error();
  std::vector<std::string>& trusted = config->webd.trusted_proxy;
  if (!trusted_proxy.empty()) trusted = trusted_proxy;
  for (const std::string& block : trusted)
    if (block != kUnix && !mail::valid_block(block))
      return Error(trusted_proxy.empty() ? Code::Config : Code::Usage,
                   "trusted-proxy: `" + printable(block) + "` is not a CIDR block");
  daemon::DaemonOptions plan = options.plan("http", config->webd);
  // --dump-config also prints settings with which the server would not start.
  if (auto checked = check_plain(plan); !checked && !options.config.dump) return checked;
  if (auto done = only_config(options, *config, config->webd, plan, "gw-web"); !done || *done)
    return done ? Result<void>() : Result<void>(done.error());
  // Sessions are in the memory of the process, so a process for each connection would forget every
  // login.
  if (plan.listen.empty() && net::inetd_started())
    return Error(Code::Usage, "the console cannot run under inetd: one process serves all connections")
        .with_hint("use --listen ADDR:PORT,tls, or a systemd socket with Accept=no");

  if (auto logged = cli::choose_log(config->log); !logged) return logged.error();
  // `true`: the console tests routes, and sends a test mail to the local server.
  auto confinement = begin_confinement(*config, config->webd, "gw-web", true);
  if (!confinement) return confinement.error();
  daemon::Certificates certificates(certificate_files(*config));
  daemon::VaultConnection keeper(keeper::place_of(config->vault, config->run),
                                 {keeper::Role::Admin, "gw-webd", true, confinement->starting()});
  web::ConsoleOptions settings;
  settings.store = [&] { return keeper.store(); };
  settings.host = own_host(*config);
  settings.hosts = config->webd.hosts;
  if (!trusted.empty()) {
    // `unix` stands for a web server that connects over a Unix socket, which has no address.
    settings.trusted_proxy = [in = one_of(trusted), local = std::ranges::count(trusted, kUnix) > 0](
                                 std::string_view peer) { return peer == kUnix ? local : in(peer); };
  }
  settings.vault = config->vault;
  settings.pop3s_port = config::pop3s_port(*config);
  settings.config = *config;
  settings.sessions.idle = config->webd.session_idle;
  settings.sessions.absolute = config->webd.session_length;
  if (certificates.configured()) settings.tls = [&] { return certificates.current(); };
  web::Console console(std::move(settings));

  web::HttpService service;
  service.handler = [&](web::Request& request) { return console.answer(request); };
  service.most_body = [&](const web::Request& request) { return console.most_body(request); };
  service.idle = config->webd.idle_timeout;
  if (certificates.configured()) service.tls = [&] { return certificates.current(); };
  // As in gw-proxy: a test of a route reads the CA file that the route names, so its directory must stay
  // readable. The user changes first, so that the keeper sees the same user now and later.
  plan.before_serving = [&]() -> Result<void> {
    if (auto became = confinement->become(); !became) return became;
    if (const auto store = keeper.store())
      if (const auto routes = vault::routes(**store))
        for (const vault::Route& route : *routes)
          if (!route.ca_file.empty()) {
            // A file in / would open the whole file system.
            auto directories = sandbox::folders_of(route.ca_file);
            std::erase(directories, "/");
            confinement->also_readable(std::move(directories));
          }
    return confinement->close();
  };
  plan.load_keys_early = confinement->changes_user();
  return daemon::run_server(
      plan, certificates,
      [&](net::Stream stream, const net::Listener& listener) {
        if (!may_be_served(stream, listener)) return;
        web::serve_http(std::move(stream), listener.implicit_tls, service);
      },
      [](const net::Listener&) { return std::string("HTTP/1.1 503 Service Unavailable\r\n\r\n"); });
}

}  // namespace
}  // namespace gw::cmd

int main(int argc, char** argv) {
  gw::cli::Program program("gw-webd", "Serve the administration console to browsers");
  gw::cmd::ServerOptions options;
  options.idle_default = "30s";
  options.declare_serving(program);
  std::vector<std::string> trusted_proxy;
  gw::cli::repeatable(
      program.options()
          .add_option("--trusted-proxy", trusted_proxy, "Trust X-Forwarded-For from these web servers")
          ->type_name("CIDR"));
  return program.run(argc, argv, [&] { return gw::cmd::serve(options, trusted_proxy); });
}

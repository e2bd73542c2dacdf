// gw-proxy(8): relays between mail clients and their provider, and seals a copy of each mail into
// the vault. Reads the options and configuration, and hands connections to proxy/server.h.
#include "base/clock.h"
#include "cli/values.h"
#include "net/certificate.h"
#include "proxy/fingerprint_key.h"
#include "proxy/server.h"
#include "server_options.h"

namespace gw::cmd {
namespace {

struct Options {
  ServerOptions server;
  std::string route;
  std::string fingerprint_key;
  std::optional<std::uint64_t> max_size;
};

// Returns the names that the listeners will have: `work` for `work=127.0.0.1:587`.
std::vector<std::string> listener_names(const daemon::DaemonOptions& plan) {
  std::vector<std::string> names;
  for (const std::string& text : plan.listen) {
    const std::size_t equals = text.find('=');
    names.push_back(equals == std::string::npos ? plan.protocol : text.substr(0, equals));
  }
  if (plan.stdio) names.push_back(plan.protocol);
  return names;
}

// Returns what is wrong with the routes. They are in the vault, and are checked only if its keeper
// runs.
std::vector<daemon::ConfigFault> check_routes(const config::Config& config, const std::string& only,
                                              const std::vector<std::string>& names) {
  const auto store =
      keeper::connect(keeper::place_of(config.vault, config.run), {keeper::Role::Append, "gw-proxy", false});
  if (!store) return {{store.error().within("the routes were not checked"), true}};
  proxy::ProxyRoutes routes([&]() -> Result<store::Store*> { return store->get(); });
  proxy::ProxyService service;
  service.routes = &routes;
  service.only = only;
  std::vector<daemon::ConfigFault> faults;
  if (const auto known = proxy::check_proxy(names, service); !known) faults.push_back({known.error()});
  const auto all = routes.all();
  if (!all) return {{all.error().within("the routes were not checked"), true}};
  for (const vault::Route& route : *all) {
    if (route.ca_file.empty()) continue;
    net::ClientPolicy policy;
    policy.ca_file = route.ca_file;
    const auto fault = [&](const std::string& what, bool warning) {
      faults.push_back({Error(Code::Config, "route " + route.name + ": " + what)
                            .with_hint("gw-store route set " + route.name + " --ca FILE"),
                        warning});
    };
    if (const auto tls = net::ClientTls::make(policy); !tls) {
      fault(tls.error().text(), false);
    } else if (const auto dates = net::authorities_fault(route.ca_file, now()); !dates || !dates->empty()) {
      // Other authorities in the file may be the ones that count.
      fault(dates ? route.ca_file + ": " + *dates : dates.error().text(), true);
    }
  }
  return faults;
}

Result<void> serve(const Options& options) {
  auto config = options.server.resolve(&config::Config::proxy);
  if (!config) return config.error();
  config::Proxy& mine = config->proxy;
  if (options.max_size) mine.max_size = *options.max_size;
  if (!options.fingerprint_key.empty()) mine.fingerprint_key = options.fingerprint_key;
  daemon::DaemonOptions plan = options.server.plan("proxy", mine);
  if (auto done = only_config(options.server, *config, mine, plan, "gw-receive",
                              [&] { return check_routes(*config, options.route, listener_names(plan)); });
      !done || *done)
    return done ? Result<void>() : Result<void>(done.error());

  if (auto logged = cli::choose_log(config->log); !logged) return logged.error();
  // `true`: the proxy connects to upstreams and looks up their names.
  auto confinement = begin_confinement(*config, mine, "gw-receive", true);
  if (!confinement) return confinement.error();
  // The key is read, or created, before the change of user, while its directory can still be
  // written.
  const auto key_file = proxy::fingerprint_key_file(mine.fingerprint_key);
  if (!key_file) return key_file.error();
  const auto key = proxy::fingerprint_key(*key_file);
  if (!key) return key.error();

  daemon::Certificates certificates(certificate_files(*config));
  daemon::VaultConnection keeper(keeper::place_of(config->vault, config->run),
                                 {keeper::Role::Append, "gw-proxy", true, confinement->starting()});
  proxy::Upstreams upstreams;
  net::LoginThrottle limits;
  proxy::ProxyRoutes routes([&] { return keeper.store(); });
  proxy::ProxyService service;
  service.routes = &routes;
  service.only = options.route;
  const bool clear_passwords = mine.allow_plaintext_auth && !mine.require_tls;

  proxy::SmtpProxyService& smtp = service.smtp;
  smtp.host = own_host(*config);
  smtp.store = [&] { return keeper.store(); };
  smtp.report = [&](const store::ServerStats& stats) { keeper.report(stats); };
  if (certificates.configured()) smtp.tls = [&] { return certificates.current(); };
  smtp.routes = &routes;
  smtp.upstreams = &upstreams;
  smtp.max_size = mine.max_size;
  smtp.max_recipients = mine.max_recipients;
  smtp.require_tls = mine.require_tls;
  smtp.allow_plaintext_auth = clear_passwords;
  // With --stdio the input may be a file or a pipe that holds all commands from the start, which is
  // not a client that talks before the greeting.
  smtp.listen_for_early_talk = !options.server.stdio;
  smtp.limits = &limits;
  smtp.login.time = mine.login_timeout;
  smtp.idle_timeout = mine.idle_timeout;
  smtp.data_timeout = mine.data_timeout;

  proxy::Pop3ProxyService& pop3 = service.pop3;
  pop3.host = smtp.host;
  pop3.store = smtp.store;
  pop3.report = smtp.report;
  pop3.routes = [&] { return routes.all(); };
  pop3.tls = smtp.tls;
  pop3.upstreams = &upstreams;
  pop3.fingerprint_key = &*key;
  pop3.limits = &limits;
  pop3.login.time = mine.login_timeout;
  pop3.idle_timeout = mine.idle_timeout;
  pop3.allow_plaintext_auth = clear_passwords;

  plan.on_reload = [&] { upstreams.reload(); };
  plan.load_keys_early = confinement->changes_user();
  // The order matters. The user changes first, so that the keeper sees the same user now and later.
  // The routes are read next, because the certificate files of authorities that they name must be
  // readable in the sandbox, which is closed last.
  plan.before_serving = [&, names = listener_names(plan)]() -> Result<void> {
    if (auto became = confinement->become(); !became) return became;
    if (auto known = proxy::check_proxy(names, service); !known) return known;
    // If the keeper cannot be reached now, routes with a CA file of their own fail later with a
    // file error.
    if (const auto known = routes.all())
      for (const vault::Route& route : *known)
        if (!route.ca_file.empty()) {
          // A file in / would open the whole file system.
          auto directories = sandbox::folders_of(route.ca_file);
          std::erase(directories, "/");
          confinement->also_readable(std::move(directories));
        }
    return confinement->close();
  };
  return daemon::run_server(
      plan, certificates,
      [&](net::Stream stream, const net::Listener& listener) {
        proxy::serve_proxy(std::move(stream), listener, service);
      },
      [&](const net::Listener& listener) { return proxy::proxy_refusal(listener, service); });
}

}  // namespace
}  // namespace gw::cmd

int main(int argc, char** argv) {
  using namespace gw;
  cli::Program program("gw-proxy", "Relay clients to their provider, keep sealed copies of mail");
  cmd::Options options;
  CLI::App& app = program.options();
  options.server.declare(program, "ROUTE=ADDR:PORT[,tls]");
  app.add_option("--route", options.route, "Serve this route if the listener names none")->type_name("NAME");
  app.add_option("--fingerprint-key", options.fingerprint_key,
                 "Recognise already copied POP3 mail with this key")
      ->type_name("FILE");
  cli::size_option(app, "--max-size", options.max_size, "Accept messages up to this size (default: 512MiB)");
  return program.run(argc, argv, [&] { return cmd::serve(options); });
}

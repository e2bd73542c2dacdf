// The options that the servers have in common, and what they translate to: configuration, server
// plan, sandbox.
#pragma once

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "cli/program.h"
#include "cli/vault_options.h"
#include "config/config.h"
#include "daemon/config_check.h"
#include "daemon/confinement.h"
#include "daemon/server.h"
#include "mail/address.h"

namespace gw::cmd {

// Returns whether systemd or inetd passed a socket to this process.
inline bool handed_over() {
  return net::sockets_inherited() || net::inetd_started();
}

// Returns a function that checks whether an address is in one of the CIDR `blocks`.
inline std::function<bool(std::string_view)> one_of(std::vector<std::string> blocks) {
  return [blocks = std::move(blocks)](std::string_view peer) {
    return std::any_of(blocks.begin(), blocks.end(),
                       [&](const std::string& block) { return mail::in_block(peer, block); });
  };
}

// The values of the command line. Empty, 0 or false: not given.
struct ServerOptions {
  const cli::Program* program = nullptr;  // set by declare()
  cli::VaultOptions vault;
  cli::ConfigOptions config;
  std::vector<std::string> listen;
  std::vector<std::string> proxy_protocol;
  std::string host;
  std::string certificate;
  std::string key;
  std::string tls;
  std::string idle_timeout;
  std::string idle_default = "10m";  // for the help
  std::string log;
  std::string user;
  std::string sandbox;
  std::size_t max_connections = 0;
  bool require_tls = false;
  bool allow_plaintext_auth = false;
  bool stdio = false;

  // Adds the options of every server. This object must outlive the parsing, and `owner` this object.
  void declare_serving(cli::Program& owner, const std::string& listen_type = "ADDR:PORT[,tls]") {
    program = &owner;
    CLI::App& app = owner.options();
    vault.declare(app);
    config.declare(app);
    cli::repeatable(
        app.add_option("--listen", listen, "Listen here; `,tls` for TLS from the start, :0 for any port")
            ->type_name(listen_type));
    app.add_option("--host", host, "Use this name in greetings (default: `host` in gw.toml)")
        ->type_name("NAME");
    app.add_option("--tls-cert", certificate, "Use this certificate chain (PEM)")->type_name("FILE");
    app.add_option("--tls-key", key, "Use this private key (PEM)")->type_name("FILE");
    app.add_option("--idle-timeout", idle_timeout,
                   "End a session that is idle for this long (default: " + idle_default + ")")
        ->type_name("TIME");
    app.add_option("--max-connections", max_connections,
                   "Serve at most this many connections (default: 1000)")
        ->type_name("N")
        ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}));
    cli::repeatable(
        app.add_option("--proxy-protocol", proxy_protocol, "Expect a PROXY header from these load balancers")
            ->type_name("CIDR"));
    app.add_option("--log", log, "Choose where log lines go (default: auto)")
        ->check(CLI::IsMember({"auto", "stderr", "syslog", "journal"}));
    app.add_option("--user", user, "Switch to this user if started by root")->type_name("NAME");
    app.add_option("--sandbox", sandbox, "Use Landlock and seccomp (default: auto, if available)")
        ->check(CLI::IsMember({"auto", "off", "require"}));
  }

  // Adds these and the options of the mail servers.
  void declare(cli::Program& owner, const std::string& listen_type = "ADDR:PORT[,tls]") {
    declare_serving(owner, listen_type);
    CLI::App& app = owner.options();
    app.add_option("--tls", tls, "Choose how TLS begins on descriptor 0")
        ->check(CLI::IsMember({"implicit", "starttls"}));
    app.add_flag("--require-tls", require_tls, "Require TLS");
    app.add_flag("--allow-plaintext-auth", allow_plaintext_auth,
                 "Accept passwords without TLS, on loopback only");
    app.add_flag("--stdio", stdio, "Serve one session on standard input and output");
  }

  // Returns the configuration with these options applied to it. `server` points to the part for
  // this server, such as &config::Config::smtpd. Fails with Usage if an option is wrong and with
  // Config if the file is.
  template <class Server>
  Result<config::Config> resolve(Server config::Config::*server) const {
    auto found = vault.resolve();
    if (!found) return found;
    if (!host.empty()) found->host = host;
    // A space or a line ending in a greeting would be taken for what follows the name.
    if (std::ranges::any_of(found->host,
                            [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; }))
      return Error(
          host.empty() ? Code::Config : Code::Usage,
          (host.empty() ? "host: `" : "--host: `") + printable(found->host) + "` is not a valid host name");
    if (!log.empty()) found->log = log;
    // Otherwise a mistyped directory shows only when the first mail is refused. Only the owner may
    // examine the system's vault, so other errors say nothing.
    if (!config.check && !config.dump && ::access(found->vault.c_str(), F_OK) != 0 && errno == ENOENT)
      program->report(Error(Code::NotFound, "warning: there is no vault in " + printable(found->vault) +
                                                ": clients get temporary failures"));
    if (certificate.empty() != key.empty())
      return Error(Code::Usage, "--tls-cert and --tls-key must be given together");
    if (!certificate.empty()) found->certificates = {{certificate, key}};
    Server& mine = (*found).*server;
    if (!listen.empty()) mine.listen = listen;
    if (!user.empty()) mine.user = user;
    if (!sandbox.empty()) mine.sandbox = sandbox;
    if (max_connections > 0) mine.max_connections = max_connections;
    if (!proxy_protocol.empty()) mine.proxy_protocol = proxy_protocol;
    for (const std::string& block : mine.exempt)
      if (!mail::valid_block(block))
        return Error(Code::Config, "exempt: `" + printable(block) + "` is not a CIDR block");
    for (const std::string& block : mine.proxy_protocol)
      if (!mail::valid_block(block))
        return Error(proxy_protocol.empty() ? Code::Config : Code::Usage,
                     "proxy-protocol: `" + printable(block) + "` is not a CIDR block");
    mine.require_tls = mine.require_tls || require_tls;
    mine.allow_plaintext_auth = mine.allow_plaintext_auth || allow_plaintext_auth;
    if (!idle_timeout.empty()) {
      const auto time = parse_duration(idle_timeout);
      // The same range as in gw.toml.
      if (!time || time->count() == 0 || *time > std::chrono::hours(24))
        return Error(Code::Usage, "--idle-timeout: `" + printable(idle_timeout) +
                                      "` is not a duration from 1 second to 24 hours");
      mine.idle_timeout = *time;
    }
    return found;
  }

  // Returns where and how to serve. `listen` in gw.toml counts only if the server was started
  // without sockets from systemd or inetd and without --listen, so that a socket unit is not opened
  // twice.
  daemon::DaemonOptions plan(const std::string& protocol, const config::Server& server) const {
    daemon::DaemonOptions plan;
    plan.protocol = protocol;
    plan.listen = listen;
    if (plan.listen.empty() && !stdio && !handed_over()) plan.listen = server.listen;
    plan.stdio = stdio;
    plan.implicit_tls = tls == "implicit";
    plan.announce = true;
    plan.limits.connections = server.max_connections;
    plan.limits.per_source = server.max_per_source;
    if (!server.proxy_protocol.empty()) plan.limits.balancer = one_of(server.proxy_protocol);
    if (!server.exempt.empty()) plan.limits.exempt = one_of(server.exempt);
    return plan;
  }
};

// Returns the configured pairs in the form that net::ServerTls::load takes.
inline std::vector<net::CertificateFiles> certificate_files(const config::Config& config) {
  std::vector<net::CertificateFiles> files;
  for (const config::Certificate& each : config.certificates) files.push_back({each.certificate, each.key});
  return files;
}

// Prepares the change of user and the sandbox. `own_user` is the user in the server's systemd unit;
// `outgoing` permits connections to other servers.
inline Result<daemon::Confinement> begin_confinement(const config::Config& config,
                                                     const config::Server& server,
                                                     const std::string& own_user, bool outgoing = false) {
  daemon::ConfinementSettings settings;
  settings.user = server.user;
  settings.own_user = own_user;
  settings.sandbox = server.sandbox == "off"       ? sandbox::Mode::Off
                     : server.sandbox == "require" ? sandbox::Mode::Require
                                                   : sandbox::Mode::Auto;
  settings.needs.outgoing = outgoing;
  // Directories, because a renewed certificate is a new file.
  for (const config::Certificate& pair : config.certificates)
    for (const std::string& file : {pair.certificate, pair.key})
      for (std::string& folder : sandbox::folders_of(file))
        settings.needs.readable.push_back(std::move(folder));
  return daemon::Confinement::begin(std::move(settings), keeper::place_of(config.vault, config.run));
}

// Does what --check-config and --dump-config ask for. Returns true if one of them was given: the
// server then ends. `plan`, `server` and `own_user` are those that the server would start with, and
// `more` returns the faults that only this server can have. Prints all faults but the last error,
// and fails with that one.
inline Result<bool> only_config(const ServerOptions& options, const config::Config& config,
                                const config::Server& server, const daemon::DaemonOptions& plan,
                                const std::string& own_user,
                                const std::function<std::vector<daemon::ConfigFault>()>& more = {}) {
  auto done = options.config.done(config);
  if (!done || !options.config.check) return done;
  config::Server unconfined = server;
  unconfined.sandbox = "off";
  const auto confinement = begin_confinement(config, unconfined, own_user);
  if (!confinement) return confinement.error();
  std::vector<daemon::ConfigFault> faults =
      daemon::check_config(plan, certificate_files(config), *confinement);
  if (more)
    for (daemon::ConfigFault& fault : more()) faults.push_back(std::move(fault));
  std::optional<Error> failed;
  for (const daemon::ConfigFault& fault : faults) {
    if (fault.warning) {
      options.program->report(fault.error.within("warning"));
    } else {
      if (failed) options.program->report(*failed);
      failed = fault.error;
    }
  }
  if (failed) return *failed;
  return true;
}

// Returns the name of this host in greetings: `host` in gw.toml, else the system's host name.
inline std::string own_host(const config::Config& config) {
  if (!config.host.empty()) return config.host;
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

}  // namespace gw::cmd

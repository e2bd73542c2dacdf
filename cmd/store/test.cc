#include "store/test.h"

#include <CLI/CLI.hpp>

#include "base/text.h"
#include "cli/output.h"
#include "proxy/route_check.h"
#include "smtpd/test_delivery.h"
#include "store/format.h"
#include "store/route.h"
#include "vault/mailbox.h"

namespace gw::cmd {
namespace {

struct TestOptions {
  std::string name;
  std::string server;
  bool json = false;
};

// Returns the name for EHLO: of gw.toml, else what `init` stored in the vault.
Result<std::string> own_host(store::Store& store, const config::Config& config) {
  if (!config.host.empty()) return config.host;
  const auto settings = vault::read_settings(store);
  if (!settings) return settings.error();
  return settings->host.empty() ? std::string("localhost") : settings->host;
}

void print_server(cli::Output& output, const std::string& address, const std::optional<net::TlsFacts>& tls,
                  const std::optional<net::ServerCertificate>& certificate) {
  if (!address.empty()) output.line("server        " + address);
  if (tls) output.line("TLS           " + tls->version + ", " + tls->cipher);
  if (!certificate) return;
  output.line("certificate   " + certificate->subject + ", expires " + shown_time(certificate->not_after));
  output.line("SHA-256       " + to_hex(certificate->sha256));
  if (!certificate->verdict.empty()) output.line("verdict       " + certificate->verdict);
}

Result<int> test_mailbox(const Commands& commands, const TestOptions& options) {
  const auto config = commands.config();
  if (!config) return config.error();
  const std::string server =
      options.server.empty() ? smtpd::own_servers(config->smtpd.listen).front() : options.server;
  const auto spec = net::parse_listen(server);
  if (!spec && options.server.empty()) return spec.error();
  if (!spec)
    return Error(Code::Usage, "--server: `" + printable(options.server) + "` is not ADDRESS:PORT[,tls]")
        .with_hint("use a numeric address, for example 127.0.0.1:25 or [::1]:465,tls");
  auto store = commands.connect();
  if (!store) return store.error();
  const auto mailbox = mailbox_named(**store, options.name);
  if (!mailbox) return mailbox.error();
  const auto host = own_host(**store, *config);
  if (!host) return host.error();
  const auto done = smtpd::test_mailbox(**store, *mailbox, *spec, *host);
  if (!done) return done.error();

  const smtpd::TestDelivery& sent = done->sent;
  const std::string trouble = done->trouble();
  cli::Output output;
  if (options.json) {
    output.json(json::delivery_test_json(*done));
  } else {
    for (const auto& line : sent.dialog) output.line((line.ours ? "> " : "< ") + line.text);
    if (!sent.dialog.empty()) output.line("");
    print_server(output, sent.address, sent.tls, sent.certificate);
    if (done->message) output.line("message       " + done->message->hex());
    if (trouble.empty()) output.line("took          " + std::to_string(sent.took.count()) + " ms");
  }
  const auto told = output.close();
  if (!told) return told.error();
  if (!trouble.empty())
    return Error(Code::Unavailable, "the test mail did not arrive: " + trouble).with_hint("gw-store doctor");
  return 0;
}

Result<int> test_route(const Commands& commands, const TestOptions& options) {
  const auto config = commands.config();
  if (!config) return config.error();
  auto store = commands.connect();
  if (!store) return store.error();
  const auto route = route_named(**store, options.name);
  if (!route) return route.error();
  const auto host = own_host(**store, *config);
  if (!host) return host.error();
  const proxy::RouteCheck check = proxy::check_route_upstream(*route, *host);
  cli::Output output;
  if (options.json) {
    output.json(json::route_check_json(check));
  } else {
    print_server(output, check.address, check.tls, check.certificate);
    for (const std::string& each : check.capabilities) output.line("capability    " + each);
    if (check.trouble.empty()) output.line("took          " + std::to_string(check.took.count()) + " ms");
  }
  const auto told = output.close();
  if (!told) return told.error();
  if (!check.trouble.empty())
    return Error(Code::Unavailable, "gw-proxy cannot use route `" + route->name + "`: " + check.trouble)
        .with_hint(check.hint.empty() ? "gw-store route show " + route->name : check.hint);
  return 0;
}

}  // namespace

void add_mailbox_test(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<TestOptions>();
  CLI::App* command = commands.add(family, "test", "Deliver a test mail through gw-smtpd of this host",
                                   [&commands, options] { return test_mailbox(commands, *options); });
  command->add_option("MAILBOX", options->name, "Name, id or address")->required();
  command
      ->add_option("--server", options->server,
                   "Send to this listener (default: the first in gw.toml, else 127.0.0.1:25)")
      ->type_name("ADDR:PORT[,tls]");
  command->add_flag("--json", options->json, "Print a JSON line");
}

void add_route_test(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<TestOptions>();
  CLI::App* command = commands.add(family, "test", "Connect to the upstream as gw-proxy does",
                                   [&commands, options] { return test_route(commands, *options); });
  command->add_option("NAME", options->name, "Name of the route")->required();
  command->add_flag("--json", options->json, "Print a JSON line");
}

}  // namespace gw::cmd

// gw-store route add, set and remove: the commands that change routes of gw-proxy.
#include "store/route.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "cli/values.h"
#include "store/set.h"
#include "store/test.h"
#include "vault/name_hint.h"

namespace gw::cmd {
namespace {

struct RouteAddOptions {
  std::string name, protocol;
  vault::RouteChange said;
  bool allow_private = false;
};

// on or off, or nullopt if it was not given.
struct RouteSetOptions {
  std::string name;
  vault::RouteChange said;
  std::optional<std::string> allow_private;
};

void declare(CLI::App& app, vault::RouteChange& to, bool required) {
  app.add_option("--upstream", to.upstream, "Connect to this server of the provider")
      ->type_name("HOST:PORT")
      ->required(required);
  app.add_option("--tls", to.tls, "Choose how TLS to the upstream begins; none: no TLS")
      ->check(CLI::IsMember({"implicit", "starttls", "none"}))
      ->required(required);
  app.add_option("--ca", to.ca, "Trust these CA certificates (else the system's)")->type_name("FILE");
  app.add_option("--pin", to.pin, "Accept only the certificate with this SHA-256")->type_name("SHA256");
  app.add_option("--mailbox", to.mailbox, "Keep the copies in this mailbox")->type_name("MAILBOX");
  cli::list_option(app, "--map", to.map, "PATTERN=MAILBOX", "Keep copies of these logins there (repeatable)");
  cli::list_option(app, "--login", to.logins, "PATTERN", "Accept only these logins (repeatable)");
  cli::list_option(app, "--clients", to.clients, "CIDR", "Let these clients send without AUTH (repeatable)");
  app.add_option("--on-copy-failure", to.on_copy_failure, "Refuse or pass mail that cannot be copied")
      ->check(CLI::IsMember({"refuse", "pass"}));
  app.add_option("--uncopied-delete", to.uncopied_delete,
                 "Choose how to handle DELE of mail without a copy (POP3)")
      ->check(CLI::IsMember({"copy", "refuse", "pass"}));
  app.add_option("--description", to.description, "Set a description")->type_name("TEXT");
}

// Applies the options to the route. An error names the option that caused it.
Result<void> apply(store::Store& store, vault::RouteChange said, vault::Route& route) {
  // gw-proxy runs in another working directory than the user who types this.
  if (said.ca && !said.ca->empty()) said.ca = std::filesystem::absolute(*said.ca).string();
  const auto mailbox_of = [&](std::string_view name) { return mailbox_named(store, std::string(name)); };
  const auto wrong = vault::apply(said, mailbox_of, route);
  if (!wrong) return {};
  // The name is no option. Others, e.g. no such mailbox, have a text and an exit status that are
  // clear without it.
  if (wrong->field == "name" || wrong->error.code() != Code::Usage) return wrong->error;
  return wrong->error.within(wrong->field == "logins" ? "--login" : "--" + std::string(wrong->field));
}

// Warns if the CA file that the options name is missing: gw-proxy refuses all mail of the route then.
// Another user may be the one who can read it, so other errors say nothing.
void warn_of_missing_ca(const Commands& commands, const vault::RouteChange& said, const vault::Route& route) {
  if (!said.ca || route.ca_file.empty() || ::access(route.ca_file.c_str(), F_OK) == 0 || errno != ENOENT)
    return;
  commands.program().report(Error(Code::NotFound, "warning: no mail passes by route `" + route.name +
                                                      "` until there is a CA file " + route.ca_file));
}

Result<int> add(const Commands& commands, const RouteAddOptions& options) {
  auto store = commands.connect();
  if (!store) return store.error();
  vault::Route route;
  route.name = options.name;
  route.protocol = vault::parse_protocol(options.protocol).value_or(vault::Protocol::Smtp);
  route.allow_private = options.allow_private;
  if (auto done = apply(**store, options.said, route); !done) return done.error();
  if (auto put = vault::put_route(**store, route, kActor); !put) {
    // The name, which is an argument here.
    if (put.error().code() == Code::BadInput) return Error(Code::Usage, put.error().text());
    return put.error();
  }
  warn_of_missing_ca(commands, options.said, route);
  return 0;
}

Result<int> set(const Commands& commands, const RouteSetOptions& options) {
  auto store = commands.connect();
  if (!store) return store.error();
  const auto before = route_named(**store, options.name);
  if (!before) return before.error();
  vault::Route route = *before;
  if (options.allow_private) route.allow_private = *options.allow_private == "on";
  if (auto done = apply(**store, options.said, route); !done) return done.error();
  warn_of_missing_ca(commands, options.said, route);
  // Without a change there is no entry in the history.
  if (vault::encode(route) == vault::encode(*before)) return 0;
  if (auto put = vault::put_route(**store, route, kActor); !put) return put.error();
  return 0;
}

Result<int> remove(const Commands& commands, const std::string& name) {
  auto store = commands.connect();
  if (!store) return store.error();
  const auto route = route_named(**store, name);
  if (!route) return route.error();
  if (auto gone = vault::remove_route(**store, *route, kActor); !gone) return gone.error();
  return 0;
}

void add_route_add(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<RouteAddOptions>();
  CLI::App* command = commands.add(family, "add", "Create a route of gw-proxy",
                                   [&commands, options] { return add(commands, *options); });
  command->add_option("NAME", options->name, "a-z 0-9 . _ -, at most 64")->required();
  command->add_option("--protocol", options->protocol, "Choose the protocol of the clients")
      ->check(CLI::IsMember({"smtp", "pop3"}))
      ->required();
  declare(*command, options->said, true);
  command->add_flag("--allow-private", options->allow_private,
                    "Allow an upstream on a loopback or private address");
}

void add_route_set(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<RouteSetOptions>();
  CLI::App* command = commands.add(family, "set", "Change a route; lists are replaced",
                                   [&commands, options] { return set(commands, *options); });
  command->add_option("NAME", options->name, "Name of the route")->required();
  declare(*command, options->said, false);
  command
      ->add_option("--allow-private", options->allow_private,
                   "Allow an upstream on a loopback or private address")
      ->check(CLI::IsMember({"on", "off"}));
  require_change(*command);
}

void add_route_remove(Commands& commands, CLI::App& family) {
  auto name = std::make_shared<std::string>();
  CLI::App* command = commands.add(family, "remove", "Remove a route; its open sessions continue",
                                   [&commands, name] { return remove(commands, *name); });
  command->add_option("NAME", *name, "Name of the route")->required();
}

}  // namespace

Result<vault::Route> route_named(store::Store& store, const std::string& name) {
  auto found = vault::find_route(store, name);
  if (found || found.error().code() != Code::NotFound) return found;
  std::vector<std::string> names;
  if (const auto routes = vault::routes(store))
    for (const vault::Route& route : *routes) names.push_back(route.name);
  return found.error().with_hint(vault::name_hint(name, names, "gw-store route list"));
}

void add_route(Commands& commands) {
  CLI::App& family = *commands.add_family("route", "Manage the routes of gw-proxy");
  add_route_add(commands, family);
  add_route_list(commands, family);
  add_route_show(commands, family);
  add_route_set(commands, family);
  add_route_remove(commands, family);
  add_route_test(commands, family);
  add_route_export(commands, family);
  add_route_import(commands, family);
}

}  // namespace gw::cmd

// gw-store route add, set and remove: the commands that change routes of gw-proxy.
#include "store/route.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "cli/values.h"

namespace gw::cmd {
namespace {

struct AddOptions {
  std::string name, protocol;
  vault::RouteChange said;
  bool allow_private = false;
};

// on or off, or nullopt if it was not given.
struct SetOptions {
  std::string name;
  vault::RouteChange said;
  std::optional<std::string> allow_private;
};

void declare(CLI::App& app, vault::RouteChange& to, bool required) {
  app.add_option("--upstream", to.upstream, "The provider's server")
      ->type_name("HOST:PORT")
      ->required(required);
  app.add_option("--tls", to.tls, "How TLS begins there; none is without")
      ->check(CLI::IsMember({"implicit", "starttls", "none"}))
      ->required(required);
  app.add_option("--ca", to.ca, "Certificates that sign its own (else the system's)")->type_name("FILE");
  app.add_option("--pin", to.pin, "SHA-256 of its certificate, instead of name and chain")
      ->type_name("SHA256");
  app.add_option("--mailbox", to.mailbox, "Where the copies go")->type_name("MAILBOX");
  cli::list_option(app, "--map", to.map, "PATTERN=MAILBOX", "Copies of these logins go there (repeatable)");
  cli::list_option(app, "--login", to.logins, "PATTERN", "Only these logins (repeatable)");
  cli::list_option(app, "--clients", to.clients, "CIDR", "These clients may send without AUTH (repeatable)");
  app.add_option("--on-copy-failure", to.on_copy_failure, "What a client gets where no copy can be kept")
      ->check(CLI::IsMember({"refuse", "pass"}));
  app.add_option("--uncopied-delete", to.uncopied_delete, "POP3: DELE of a mail without a copy")
      ->check(CLI::IsMember({"copy", "refuse", "pass"}));
  app.add_option("--description", to.description, "Free text")->type_name("TEXT");
}

// Applies the options to the route. An error names the option that caused it.
Result<void> apply(store::Store& store, vault::RouteChange said, vault::Route& route) {
  // gw-proxy runs in another working directory than the user who types this.
  if (said.ca && !said.ca->empty()) said.ca = std::filesystem::absolute(*said.ca).string();
  const auto mailbox_of = [&](std::string_view name) { return mailbox_named(store, std::string(name)); };
  const auto wrong = vault::apply(said, mailbox_of, route);
  if (!wrong) return {};
  // E.g. no such mailbox: its text and exit status are clear without the option.
  if (wrong->field.empty() || wrong->error.code() != Code::Usage) return wrong->error;
  return wrong->error.within("--" + std::string(wrong->field));
}

Result<int> add(const Commands& commands, const AddOptions& options) {
  auto store = commands.connect();
  if (!store) return store.error();
  vault::Route route;
  route.name = options.name;
  route.protocol = vault::parse_protocol(options.protocol).value_or(vault::Protocol::Smtp);
  route.allow_private = options.allow_private;
  if (auto done = apply(**store, options.said, route); !done) return done.error();
  if (auto put = vault::put_route(**store, route, kActor); !put) return put.error();
  return 0;
}

Result<int> set(const Commands& commands, const SetOptions& options) {
  auto store = commands.connect();
  if (!store) return store.error();
  const auto before = route_named(**store, options.name);
  if (!before) return before.error();
  vault::Route route = *before;
  if (options.allow_private) route.allow_private = *options.allow_private == "on";
  if (auto done = apply(**store, options.said, route); !done) return done.error();
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
  auto options = std::make_shared<AddOptions>();
  CLI::App* command = commands.add(family, "add", "Make a route of gw-proxy",
                                   [&commands, options] { return add(commands, *options); });
  command->add_option("NAME", options->name, "a-z 0-9 . _ -, at most 64")->required();
  command->add_option("--protocol", options->protocol, "What clients speak to it")
      ->check(CLI::IsMember({"smtp", "pop3"}))
      ->required();
  declare(*command, options->said, true);
  command->add_flag("--allow-private", options->allow_private,
                    "The upstream may be on a loopback, link-local or private address");
}

void add_route_set(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<SetOptions>();
  CLI::App* command = commands.add(family, "set", "Change a route; lists are replaced",
                                   [&commands, options] { return set(commands, *options); });
  command->add_option("NAME", options->name, "Name of the route")->required();
  declare(*command, options->said, false);
  command
      ->add_option("--allow-private", options->allow_private,
                   "Whether the upstream may be on a loopback, link-local or private address")
      ->check(CLI::IsMember({"on", "off"}));
}

void add_route_remove(Commands& commands, CLI::App& family) {
  auto name = std::make_shared<std::string>();
  CLI::App* command = commands.add(family, "remove", "Remove a route; sessions on it go on",
                                   [&commands, name] { return remove(commands, *name); });
  command->add_option("NAME", *name, "Name of the route")->required();
}

}  // namespace

Result<vault::Route> route_named(store::Store& store, const std::string& name) {
  auto found = vault::find_route(store, name);
  if (found || found.error().code() != Code::NotFound) return found;
  return found.error().with_hint("gw-store route list names them");
}

void add_route(Commands& commands) {
  CLI::App& family = *commands.add_family("route", "Routes of gw-proxy: upstreams, and where copies go");
  add_route_add(commands, family);
  add_route_list(commands, family);
  add_route_show(commands, family);
  add_route_set(commands, family);
  add_route_remove(commands, family);
  add_route_export(commands, family);
  add_route_import(commands, family);
}

}  // namespace gw::cmd

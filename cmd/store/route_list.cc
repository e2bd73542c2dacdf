// gw-store route list, show, export and import. export and import carry routes from one vault to
// another.
#include <CLI/CLI.hpp>
#include <map>

#include "base/file.h"
#include "base/text.h"
#include "cli/output.h"
#include "store/format.h"
#include "store/route.h"

namespace gw::cmd {
namespace {

// Bytes; bounds the memory for a file that is not a list of routes.
constexpr std::size_t kMaxImport = 16 << 20;

// Mailboxes are shown by name; one that was removed, by its id.
using Names = std::map<MailboxId, std::string>;

Result<Names> mailbox_names(store::Store& store) {
  const auto mailboxes = store.mailboxes();
  if (!mailboxes) return mailboxes.error();
  Names names;
  for (const store::MailboxRecord& record : *mailboxes) names[record.id] = record.name;
  return names;
}

std::string shown(const Names& names, const MailboxId& id) {
  const auto found = names.find(id);
  return found == names.end() ? id.hex() : found->second;
}

struct RouteListOptions {
  bool json = false;
  bool names = false;
};

Result<int> list(const Commands& commands, const RouteListOptions& options) {
  auto store = commands.connect();
  if (!store) return store.error();
  const auto routes = vault::routes(**store);
  if (!routes) return routes.error();
  const auto names = mailbox_names(**store);
  if (!names) return names.error();
  cli::Output output;
  cli::Table table({{"NAME"}, {"PROTOCOL"}, {"UPSTREAM"}, {"TLS"}, {"MAILBOX"}});
  for (const vault::Route& route : *routes) {
    if (options.names) {
      output.data(as_bytes(route.name + std::string(1, '\0')));
    } else if (options.json) {
      output.json(json::route_json(route, [&](const MailboxId& id) { return shown(*names, id); }));
    } else {
      std::string mailbox = route.mailbox.zero() ? "-" : shown(*names, route.mailbox);
      if (!route.map.empty()) mailbox += " and " + std::to_string(route.map.size()) + " by login";
      table.row({route.name, std::string(name(route.protocol)), route.upstream(),
                 std::string(name(route.tls)), mailbox});
    }
  }
  if (!options.json && !options.names) table.print(output);
  return output.close();
}

Result<int> show_route(const Commands& commands, const std::string& wanted, bool json) {
  auto store = commands.connect();
  if (!store) return store.error();
  const auto route = route_named(**store, wanted);
  if (!route) return route.error();
  const auto names = mailbox_names(**store);
  if (!names) return names.error();
  cli::Output output;
  if (json) {
    output.json(json::route_json(*route, [&](const MailboxId& id) { return shown(*names, id); }));
    return output.close();
  }
  output.line("name             " + route->name);
  if (!route->description.empty()) output.line("description      " + route->description);
  output.line("protocol         " + std::string(name(route->protocol)));
  output.line("upstream         " + route->upstream());
  output.line("TLS              " + std::string(name(route->tls)));
  if (route->pin)
    output.line("certificate      pinned to SHA-256 " + to_hex(*route->pin));
  else if (route->tls != vault::UpstreamTls::None)
    output.line("certificate      signed by " +
                (route->ca_file.empty() ? std::string("the system's CAs") : route->ca_file));
  output.line("mailbox          " +
              (route->mailbox.zero() ? std::string("by login only") : shown(*names, route->mailbox)));
  for (const vault::LoginRule& rule : route->map)
    output.line("                 " + rule.pattern + " to " + shown(*names, rule.mailbox));
  output.line("logins           " + joined(route->logins, "all"));
  if (route->protocol == vault::Protocol::Smtp)
    output.line("without a login  " + joined(route->clients, "none"));
  output.line("private address  " + std::string(route->allow_private ? "allowed" : "refused"));
  output.line("on copy failure  " + std::string(name(route->on_copy_failure)));
  if (route->protocol == vault::Protocol::Pop3)
    output.line("uncopied delete  " + std::string(name(route->uncopied_delete)));
  return output.close();
}

Result<int> export_all(const Commands& commands) {
  // The JSON of `list` contains all fields, so it is the format of export too.
  return list(commands, RouteListOptions{true, false});
}

struct RouteImportOptions {
  std::string path = "-";
  bool replace = false;
};

// Returns the value of an enum from its name in a JSON field. Values are numbered from 1 to `last`.
// If the field is missing, returns `otherwise`, or fails with BadInput if that is nullopt.
template <class Value>
Result<Value> word(const Json& object, const char* key, Value last, std::optional<Value> otherwise = {}) {
  if (!object.contains(key) && otherwise) return *otherwise;
  for (unsigned i = 1; i <= static_cast<unsigned>(last); ++i)
    if (object.value(key, "") == name(static_cast<Value>(i))) return static_cast<Value>(i);
  return Error(Code::BadInput, std::string("`") + key + "` is missing or has an unknown value");
}

std::string text_or_empty(const Json& object, const char* key) {
  return object.contains(key) && !object[key].is_null() ? object[key].get<std::string>() : std::string();
}

// Reads a route from JSON. Throws Json::exception if a field has the wrong type. Mailboxes are
// named, not numbered, because ids differ between vaults.
Result<vault::Route> route_of(store::Store& store, const Json& object) {
  vault::Route route;
  route.name = text_or_empty(object, "name");
  route.description = text_or_empty(object, "description");
  const auto protocol = word(object, "protocol", vault::Protocol::Pop3);
  const auto tls = word(object, "tls", vault::UpstreamTls::None);
  const auto failure =
      word(object, "on_copy_failure", vault::OnCopyFailure::Pass, {vault::OnCopyFailure::Refuse});
  const auto uncopied =
      word(object, "uncopied_delete", vault::UncopiedDelete::Pass, {vault::UncopiedDelete::Copy});
  if (!protocol) return protocol.error();
  if (!tls) return tls.error();
  if (!failure) return failure.error();
  if (!uncopied) return uncopied.error();
  route.protocol = *protocol;
  route.tls = *tls;
  route.on_copy_failure = *failure;
  route.uncopied_delete = *uncopied;
  const auto upstream = vault::parse_upstream(text_or_empty(object, "upstream"));
  if (!upstream) return Error(Code::BadInput, "`upstream` is not HOST:PORT");
  route.host = upstream->host;
  route.port = upstream->port;
  route.ca_file = text_or_empty(object, "ca");
  if (const std::string pin = text_or_empty(object, "pin"); !pin.empty()) {
    route.pin = vault::parse_pin(pin);
    if (!route.pin) return Error(Code::BadInput, "`pin` is not a SHA-256");
  }
  if (const std::string mailbox = text_or_empty(object, "mailbox"); !mailbox.empty()) {
    const auto found = mailbox_named(store, mailbox);
    if (!found) return found.error();
    route.mailbox = found->id;
  }
  for (const Json& rule : object.value("map", Json::array())) {
    const auto found = mailbox_named(store, text_or_empty(rule, "mailbox"));
    if (!found) return found.error();
    route.map.push_back({text_or_empty(rule, "login"), found->id});
  }
  route.logins = object.value("logins", std::vector<std::string>());
  route.clients = object.value("clients", std::vector<std::string>());
  route.allow_private = object.value("allow_private", false);
  return route;
}

// Imports one route. Returns whether the vault was changed.
Result<bool> import_one(store::Store& store, std::string_view line, bool replace) {
  Json object;
  Result<vault::Route> route(Error(Code::BadInput, "not a route as a JSON object"));
  try {
    object = Json::parse(line);
    if (object.is_object()) route = route_of(store, object);
    // `route` keeps the error that it was initialized with.
  } catch (const Json::exception&) {
  }
  if (!route) return route.error();
  const auto before = vault::find_route(store, route->name);
  if (before) {
    route->version = before->version;
    // Fields of a newer gw that this one does not know are kept.
    route->unknown = before->unknown;
    // So the same file can be imported repeatedly without --replace.
    if (vault::encode(*route) == vault::encode(*before)) return false;
    if (!replace)
      return Error(Code::Exists, "a different route `" + route->name + "` already exists")
          .with_hint("use --replace to overwrite it");
  } else if (before.error().code() != Code::NotFound) {
    return before.error();
  }
  if (auto put = vault::put_route(store, *route, kActor); !put) return put.error();
  return true;
}

Result<int> import_all(const Commands& commands, const RouteImportOptions& options) {
  const auto text = read_file(options.path == "-" ? "/dev/stdin" : options.path, kMaxImport);
  if (!text) return text.error();
  auto store = commands.connect();
  if (!store) return store.error();
  std::size_t line = 0, failed = 0;
  for (const std::string_view each : split(*text, '\n')) {
    ++line;
    if (trim(each).empty()) continue;
    const auto done = import_one(**store, each, options.replace);
    if (done) continue;
    // One bad line does not prevent the others.
    ++failed;
    commands.program().report(done.error().within("line " + std::to_string(line)));
  }
  return failed == 0 ? kExitSuccess : kExitSomeFailed;
}

}  // namespace

void add_route_list(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<RouteListOptions>();
  CLI::App* command = commands.add(family, "list", "List the routes",
                                   [&commands, options] { return list(commands, *options); });
  CLI::Option* json = command->add_flag("--json", options->json, "Print JSON lines");
  command->add_flag("-0,--null", options->names, "Print only the names, each followed by NUL")
      ->excludes(json);
}

void add_route_show(Commands& commands, CLI::App& family) {
  auto wanted = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  CLI::App* command =
      commands.add(family, "show", "Print all properties of a route",
                   [&commands, wanted, json] { return show_route(commands, *wanted, *json); });
  command->add_option("NAME", *wanted, "Name of the route")->required();
  command->add_flag("--json", *json, "Print a JSON line");
}

void add_route_export(Commands& commands, CLI::App& family) {
  commands.add(family, "export", "Print all routes as JSON lines, for import",
               [&commands] { return export_all(commands); });
}

void add_route_import(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<RouteImportOptions>();
  CLI::App* command = commands.add(family, "import", "Add routes from JSON lines",
                                   [&commands, options] { return import_all(commands, *options); });
  command->add_option("FILE", options->path, "Output of route export; - is standard input");
  command->add_flag("--replace", options->replace, "Overwrite routes that already exist");
}

}  // namespace gw::cmd

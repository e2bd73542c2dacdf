// gw-store token: API tokens, which programs use to authenticate to the API of gw-webd.
#include "vault/token.h"

#include <CLI/CLI.hpp>

#include "base/text.h"
#include "cli/output.h"
#include "cli/values.h"
#include "store/commands.h"
#include "store/format.h"
#include "vault/name_hint.h"

namespace gw::cmd {
namespace {

struct TokenAddOptions {
  std::string name;
  std::string scope = "read";
  std::optional<std::vector<std::string>> only;
  std::optional<Micros> expires;
  bool json = false;
};

Result<int> add(const Commands& commands, const TokenAddOptions& options) {
  auto store = commands.connect();
  if (!store) return store.error();
  vault::ApiToken wanted;
  wanted.name = options.name;
  wanted.scope = vault::parse_scope(options.scope).value_or(vault::Scope::Read);
  wanted.only = options.only.value_or(std::vector<std::string>());
  wanted.expires = options.expires.value_or(0);
  // Usually a wrong year or time zone.
  if (options.expires && wanted.expires <= now())
    return Error(Code::Usage, "--expires: the time is in the past");
  wanted.created = now();
  wanted.made_by = kActor;
  const auto text = vault::generate_api_token(wanted.name);
  // The rules for names and patterns are those of accounts.
  const auto valid = text ? vault::check_account(vault::account_of(wanted)) : Result<void>(text.error());
  if (!valid) return Error(Code::Usage, valid.error().text());
  // Before the token is shown.
  if (const auto found = vault::find_api_token(**store, wanted.name); found)
    return Error(Code::Exists, "there is a token `" + wanted.name + "` already");
  cli::Output output;
  if (options.json) {
    output.secret({}, json::with_secrets(json::token_json(wanted), {{"token", &*text}}), "\n");
  } else {
    output.secret("token  ", *text, "\n");
    output.line("       Shown once: the vault does not store it.");
  }
  // The token becomes valid only after that, see after_showing().
  if (auto shown = output.sync(); !shown) return shown.error();
  const auto made = vault::make_api_token(**store, wanted, *text, kActor);
  if (!made)
    return after_showing(made.error(), "the token was not created", "the token may have been created",
                         "gw-store token list");
  return output.close();
}

struct TokenListOptions {
  bool json = false;
  bool names = false;
};

Result<int> list(const Commands& commands, const TokenListOptions& options) {
  auto store = commands.connect();
  if (!store) return store.error();
  const auto tokens = vault::api_tokens(**store);
  if (!tokens) return tokens.error();
  cli::Output output;
  cli::Table table({{"NAME"}, {"SCOPE"}, {"ONLY"}, {"CREATED"}, {"EXPIRES"}, {"CREATED BY"}});
  for (const vault::ApiToken& token : *tokens) {
    if (options.names) {
      output.data(as_bytes(token.name + std::string(1, '\0')));
      continue;
    }
    if (options.json) {
      output.json(json::token_json(token));
      continue;
    }
    std::string only;
    for (const std::string& pattern : token.only) only += (only.empty() ? "" : ", ") + pattern;
    table.row({token.name, std::string(name(token.scope)), only.empty() ? "-" : only,
               shown_time(token.created), shown_time(token.expires), token.made_by});
  }
  if (!options.json && !options.names) table.print(output);
  return output.close();
}

Result<int> revoke(const Commands& commands, const std::string& name) {
  auto store = commands.connect();
  if (!store) return store.error();
  const auto token = vault::find_api_token(**store, name);
  if (!token) {
    std::vector<std::string> names;
    if (const auto tokens = vault::api_tokens(**store))
      for (const vault::ApiToken& each : *tokens) names.push_back(each.name);
    return token.error().with_hint(vault::name_hint(name, names, "gw-store token list"));
  }
  if (const auto gone = vault::revoke_api_token(**store, *token, kActor); !gone) return gone.error();
  return 0;
}

}  // namespace

void add_token(Commands& commands) {
  CLI::App& family = *commands.add_family("token", "Manage the tokens of the console's API");
  auto options = std::make_shared<TokenAddOptions>();
  CLI::App* command = commands.add(family, "add", "Create a token and print it once",
                                   [&commands, options] { return add(commands, *options); });
  command->add_option("NAME", options->name, "a-z 0-9 . _ -, at most 64")->required();
  command->add_option("--scope", options->scope, "Set the rights of the token (default: read)")
      ->check(CLI::IsMember({"metrics", "read", "operate", "administer"}));
  cli::list_option(*command, "--only", options->only, "PATTERN",
                   "Limit to mailboxes and routes like sales-* (repeatable)");
  cli::time_option(*command, "--expires", options->expires, "Let the token expire at this time, or after 30d",
                   cli::Relative::FromNow);
  command->add_flag("--json", options->json, "Print a JSON line");

  auto listed = std::make_shared<TokenListOptions>();
  command = commands.add(family, "list", "List the tokens, without their secrets",
                         [&commands, listed] { return list(commands, *listed); });
  CLI::Option* json = command->add_flag("--json", listed->json, "Print JSON lines");
  command->add_flag("-0,--null", listed->names, "Print only the names, each followed by NUL")->excludes(json);

  auto name = std::make_shared<std::string>();
  command = commands.add(family, "revoke", "Revoke a token immediately",
                         [&commands, name] { return revoke(commands, *name); });
  command->add_option("NAME", *name, "Name of the token")->required();
}

}  // namespace gw::cmd

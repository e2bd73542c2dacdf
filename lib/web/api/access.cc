// Tokens and accounts in the API, for tokens that administer and are not limited to some mailboxes.
#include "vault/mailbox.h"
#include "vault/token.h"
#include "web/api/api_private.h"
#include "web/console.h"

namespace gw::web::api {
namespace {

using vault::Role;

// Generates a secret and stores nothing. It takes effect only when another operation receives it,
// so a caller whose connection breaks has lost nothing and can ask again.
Result<Answer> create_secret(Call& call) {
  const std::string kind = call.body["kind"].get<std::string>();
  const auto name = text_in(call.body, "name");
  // The name is a part of an API token's text.
  if (name.has_value() != (kind == "api_token"))
    return Error(Code::Usage, "`name` is required for the kind `api_token` and not permitted for others");
  Result<Secret> made = vault::generate_password();
  if (kind == "sender_token") made = vault::generate_token();
  if (kind == "api_token") made = vault::generate_api_token(*name);
  if (!made) return made.error();
  Answer answer;
  answer.secret = json::with_secrets(Json::object(), {{"secret", &*made}});
  return answer;
}

Result<Answer> list_tokens(Call& call) {
  const auto tokens = vault::api_tokens(call.store());
  if (!tokens) return tokens.error();
  Json items = Json::array();
  for (const vault::ApiToken& each : *tokens) items.push_back(json::token_json(each));
  return list_of(std::move(items), 0);
}

Result<Answer> create_token(Call& call) {
  vault::ApiToken wanted;
  wanted.name = call.body["name"].get<std::string>();
  wanted.scope = *vault::parse_scope(call.body["scope"].get<std::string>());
  wanted.only = list_in(call.body, "only").value_or(std::vector<std::string>());
  if (const auto expires = text_in(call.body, "expires"); expires && !expires->empty()) {
    const auto time = parse_time(*expires);
    if (!time || *time <= call.context.now())
      return Error(Code::Usage, "`expires` is not a future time in the format of RFC 3339");
    wanted.expires = *time;
  }
  const auto made = vault::make_api_token(call.store(), wanted, call.secret("token"), call.context.actor());
  return made ? Answer{json::token_json(*made)} : Result<Answer>(made.error());
}

Result<Answer> revoke_token(Call& call) {
  const auto token = vault::find_api_token(call.store(), call.parameter("name"));
  if (!token) return token.error();
  if (const auto gone = vault::revoke_api_token(call.store(), *token, call.context.actor()); !gone)
    return gone.error();
  return nothing();
}

Result<Answer> list_accounts(Call& call) {
  const auto accounts = vault::accounts(call.store());
  if (!accounts) return accounts.error();
  Json items = Json::array();
  for (const vault::Account& each : *accounts) items.push_back(json::account_json(each));
  return list_of(std::move(items), 0);
}

Result<Answer> create_account(Call& call) {
  vault::Account wanted;
  wanted.name = call.body["name"].get<std::string>();
  wanted.role = *vault::parse_role(call.body["role"].get<std::string>());
  wanted.only = list_in(call.body, "only").value_or(std::vector<std::string>());
  wanted.language = text_in(call.body, "language").value_or("");
  const auto made =
      vault::add_account(call.store(), wanted, call.secret("password").clone(), call.context.actor());
  return made ? Answer{json::account_json(made->account)} : Result<Answer>(made.error());
}

Result<Answer> change_account(Call& call) {
  auto account = vault::find_account(call.store(), call.parameter("name"));
  if (!account) return account.error();
  std::string what;
  const auto changed = [&](const std::string& piece) { what += (what.empty() ? "" : ", ") + piece; };
  if (const auto role = text_in(call.body, "role")) {
    // The schema's enum admits only the names of roles, so parse_role() succeeds; likewise above
    // and for scopes.
    account->role = *vault::parse_role(*role);
    changed("role " + *role);
  }
  if (auto only = list_in(call.body, "only")) {
    account->only = std::move(*only);
    changed("patterns");
  }
  if (const auto language = text_in(call.body, "language")) {
    account->language = *language;
    changed("language " + *language);
  }
  if (call.body.contains("disabled")) {
    account->disabled = call.body["disabled"].get<bool>();
    changed(account->disabled ? "disabled" : "enabled");
  }
  // An empty change appends no history entry.
  if (what.empty()) return Answer{json::account_json(*account)};
  const auto now = vault::change_account(call.store(), std::move(*account), what, call.context.actor());
  return now ? Answer{json::account_json(*now)} : Result<Answer>(now.error());
}

Result<Answer> reset_password(Call& call) {
  auto account = vault::find_account(call.store(), call.parameter("name"));
  if (!account) return account.error();
  const auto made =
      vault::reset_password(call.store(), std::move(*account), call.secret("new_password").clone(),
                            call.body.value("drop_totp", false), call.context.actor());
  return made ? Answer{json::account_json(made->account)} : Result<Answer>(made.error());
}

Result<Answer> remove_account(Call& call) {
  const auto account = vault::find_account(call.store(), call.parameter("name"));
  if (!account) return account.error();
  if (const auto gone = vault::remove_account(call.store(), *account, call.context.actor()); !gone)
    return gone.error();
  // The sessions would end at their next request anyway; this frees their memory and second factor
  // secrets.
  call.context.console().sessions().end_all(account->name);
  return nothing();
}

}  // namespace

void add_access_operations(Operations& all) {
  const std::size_t first = all.size();
  const Role scope = Role::Administrator;
  all.push_back({"POST", "/api/v1/secrets", "createSecret",
                 "Generate a password or token for a later operation", scope, create_secret, "MadeSecret",
                 "NewSecret"});
  all.push_back({"GET", "/api/v1/tokens", "listTokens", "List the tokens, without their secrets", scope,
                 list_tokens, "[Token]"});
  all.push_back({"POST", "/api/v1/tokens", "createToken", "Create a token with a secret from createSecret",
                 scope, create_token, "Token", "NewToken", 201});
  all.push_back(
      {"DELETE", "/api/v1/tokens/:name", "revokeToken", "Revoke a token immediately", scope, revoke_token});
  all.push_back({"GET", "/api/v1/accounts", "listAccounts", "List the accounts of the console", scope,
                 list_accounts, "[Account]"});
  all.push_back({"POST", "/api/v1/accounts", "createAccount",
                 "Create an account with a password that the caller chose", scope, create_account, "Account",
                 "NewAccount", 201});
  all.push_back({"PATCH", "/api/v1/accounts/:name", "changeAccount", "Change the given fields of an account",
                 scope, change_account, "Account", "AccountChange"});
  all.push_back({"POST", "/api/v1/accounts/:name/password", "resetAccountPassword",
                 "Reset the password of an account; its sessions end", scope, reset_password, "Account",
                 "PasswordReset"});
  all.push_back({"DELETE", "/api/v1/accounts/:name", "removeAccount", "Remove an account; its sessions end",
                 scope, remove_account});
  // An account or token can do anything, so only a token that sees everything may create one.
  // createSecret grants nothing.
  for (std::size_t at = first; at < all.size(); ++at) all[at].unlimited = all[at].id != "createSecret";
}

}  // namespace gw::web::api

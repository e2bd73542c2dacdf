// Tokens: made, shown once, listed without their secret, revoked.
#include <catch2/catch.hpp>

#include "vault/token.h"
#include "web/browser.h"

using namespace gw;
using namespace gw::test;

TEST_CASE("A token is shown once, has the rights of its record, and is not valid after it is revoked") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.sign_in("administrator");
  CHECK(shows(browser.get("/tokens"), "There is no token yet"));
  browser.get("/new-token");
  Form form{{"name", "backup_1"}, {"scope", "operate"}, {"only", "acme-*\r\n"}, {"days", "30"}};
  const web::Response proposed = browser.post("/new-token", form);
  CHECK(proposed.status == 200);
  CHECK(proposed.secret);
  const std::size_t at = proposed.body.find("gw_backup_1_");
  REQUIRE(at != std::string::npos);
  const std::string text = proposed.body.substr(at, 12 + 32);
  // It is shown first, and is in force once it is said to be kept.
  CHECK_FALSE(vault::check_api_token(vault.store, as_bytes(text), now()));
  form.emplace_back("token", text);
  CHECK(browser.post("/new-token", form).status == 422);
  CHECK_FALSE(vault::check_api_token(vault.store, as_bytes(text), now()));
  form.emplace_back("token-kept", "yes");
  CHECK(browser.post("/new-token", form).status == 303);
  const auto token = vault::check_api_token(vault.store, as_bytes(text), now());
  REQUIRE(token);
  CHECK(token->scope == vault::Scope::Operate);
  CHECK(token->only == std::vector<std::string>{"acme-*"});
  CHECK(token->made_by == "console administrator from 192.0.2.7");

  const web::Response list = browser.get("/tokens");
  CHECK(shows(list, "backup_1"));
  CHECK_FALSE(shows(list, text));
  // Later it has ended; one letter off, or of another name, it never was.
  CHECK(vault::check_api_token(vault.store, as_bytes(text), now() + Micros{31} * 86'400'000'000)
            .error()
            .code() == Code::Denied);
  std::string other = text;
  other.back() = other.back() == 'a' ? 'b' : 'a';
  CHECK(vault::check_api_token(vault.store, as_bytes(other), now()).error().code() == Code::Denied);
  for (const char* odd : {"", "gw_", "gw__", "gw_backup_1_", "gw_nobody_aaaa", "Bearer"})
    CHECK(vault::check_api_token(vault.store, as_bytes(std::string_view(odd)), now()).error().code() ==
          Code::Denied);

  CHECK(browser.post("/new-token", {{"name", "backup_1"}, {"scope", "read"}}).status == 422);
  CHECK(browser.post("/new-token", {{"name", "b"}, {"scope", "read"}, {"days", "0"}}).status == 422);
  const web::Response patterns =
      browser.post("/new-token", {{"name", "b"}, {"scope", "read"}, {"only", "a b"}});
  CHECK(patterns.status == 422);
  CHECK(shows(patterns, "field-only-wrong"));
  const web::Response named = browser.post("/new-token", {{"name", "B b"}, {"scope", "read"}});
  CHECK(named.status == 422);
  CHECK(shows(named, "“B b” is not a valid name"));
  CHECK(shows(browser.get("/tokens/backup_1/revoke"), "Revoke backup_1?"));
  CHECK(browser.post("/tokens/backup_1/revoke", {}).status == 303);
  CHECK(vault::check_api_token(vault.store, as_bytes(text), now()).error().code() == Code::Denied);
  CHECK(shows(browser.get("/events?type=admin"), "token backup_1: revoked"));
}

TEST_CASE("Only unrestricted administrators manage tokens") {
  ConsoleVault vault;
  vault.add_account("acme", vault::Role::Administrator, {"acme-*"});
  for (const char* name : {"viewer", "operator", "acme"}) {
    Browser browser(vault);
    browser.sign_in(name);
    CAPTURE(name);
    CHECK(browser.get("/tokens").status == 403);
    CHECK(browser.post("/new-token", {{"name", "x"}, {"scope", "administer"}}).status == 403);
  }
  CHECK(vault::api_tokens(vault.store).value().empty());
}

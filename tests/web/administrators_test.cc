#include <catch2/catch.hpp>

#include "web/browser.h"

using namespace gw;
using namespace gw::test;

namespace {

std::string secret_on(const web::Response& page) {
  const std::size_t at = page.body.find("<code>");
  REQUIRE(at != std::string::npos);
  return page.body.substr(at + 6, 32);
}

vault::Account account_of(ConsoleVault& vault, const std::string& name) {
  return *vault::find_account(vault.store, name);
}

std::string version_of(ConsoleVault& vault, const std::string& name) {
  return std::to_string(account_of(vault, name).version);
}

}  // namespace

TEST_CASE("An account is created in the console; its password is shown once and is valid") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.sign_in("administrator");
  const web::Response proposed = browser.get("/new-administrator");
  CHECK(proposed.secret);
  CHECK(shows(proposed, "This is shown only once"));
  const std::string password = secret_on(proposed);
  Form form{{"name", "anna"},
            {"role", "operator"},
            {"only", "sales-*\r\noffice"},
            {"language", "it"},
            {"password", password}};
  const web::Response not_kept = browser.post("/new-administrator", form);
  CHECK(not_kept.status == 422);
  CHECK(secret_on(not_kept) == password);
  CHECK_FALSE(vault::find_account(vault.store, "anna"));
  form.emplace_back("password-kept", "yes");
  CHECK(browser.post("/new-administrator", form).status == 303);
  CHECK(Browser(vault, "192.0.2.8").sign_in("anna", password).status == 303);
  const vault::Account account = account_of(vault, "anna");
  CHECK(account.only == std::vector<std::string>{"sales-*", "office"});
  CHECK(account.language == "it");
  const web::Response list = browser.get("/administrators");
  CHECK(shows(list, "sales-*"));
  CHECK_FALSE(shows(list, password));
}

TEST_CASE("An invalid account is refused beside its field, and nothing is created") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.sign_in("administrator");
  const auto add = [&](Form form) {
    form.emplace_back("password", kConsolePassword);
    form.emplace_back("password-kept", "yes");
    return browser.post("/new-administrator", form).status;
  };
  CHECK(add({{"name", "Anna"}, {"role", "viewer"}}) == 422);
  CHECK(add({{"name", "anna"}, {"role", "king"}}) == 422);
  CHECK(add({{"name", "anna"}, {"role", "viewer"}, {"only", "a/b"}}) == 422);
  CHECK(add({{"name", "viewer"}, {"role", "viewer"}}) == 422);
  CHECK(vault::accounts(vault.store)->size() == 3);
}

TEST_CASE("Role and patterns are changed; a change by another user in between is a conflict") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.sign_in("administrator");
  const std::string version = version_of(vault, "viewer");
  const Form form{{"role", "operator"}, {"only", "a*"}, {"version", version}};
  CHECK(browser.post("/administrators/viewer", form).status == 303);
  CHECK(account_of(vault, "viewer").role == vault::Role::Operator);
  CHECK(browser.post("/administrators/viewer", form).status == 409);
  CHECK(browser.post("/administrators/viewer", {{"role", "operator"}}).status == 409);
}

TEST_CASE("A disabled account is signed out immediately, and can sign in when it is enabled") {
  ConsoleVault vault;
  Browser browser(vault), viewer(vault, "192.0.2.8");
  browser.sign_in("administrator");
  viewer.sign_in("viewer");
  CHECK(browser.post("/administrators/viewer/disable", {}).status == 303);
  CHECK(viewer.get("/").status == 303);
  CHECK(viewer.sign_in("viewer").status == 403);
  CHECK(browser.post("/administrators/viewer/enable", {}).status == 303);
  CHECK(viewer.sign_in("viewer").status == 303);
}

TEST_CASE("A reset password is shown once, ends sessions, and removes the second factor") {
  ConsoleVault vault;
  REQUIRE(vault::set_totp(vault.store, account_of(vault, "viewer"), Secret(as_bytes("12345678901234567890")),
                          "test"));
  Browser browser(vault);
  browser.sign_in("administrator");
  const web::Response proposed = browser.get("/administrators/viewer/password");
  CHECK(proposed.secret);
  const std::string password = secret_on(proposed);
  CHECK(browser.post("/administrators/viewer/password", {{"password", password}}).status == 422);
  CHECK(Browser(vault, "192.0.2.8").sign_in("viewer", kConsolePassword).status == 403);
  CHECK(browser.post("/administrators/viewer/password", {{"password", password}, {"password-kept", "yes"}})
            .status == 303);
  CHECK(Browser(vault, "192.0.2.8").sign_in("viewer", password).status == 303);
  CHECK_FALSE(account_of(vault, "viewer").has_totp());
  CHECK(location(browser.post("/administrators/administrator/password", {})) == "/account");
}

TEST_CASE("The last unrestricted account cannot be removed") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.sign_in("administrator");
  const std::string version = version_of(vault, "administrator");
  CHECK(browser.post("/administrators/administrator/disable", {}).status == 422);
  CHECK(browser.post("/administrators/administrator/remove", {}).status == 422);
  CHECK(browser.post("/administrators/administrator", {{"role", "viewer"}, {"version", version}}).status ==
        422);
  CHECK(browser
            .post("/administrators/administrator",
                  {{"role", "administrator"}, {"only", "a*"}, {"version", version}})
            .status == 422);
  vault.add_account("second", vault::Role::Administrator);
  CHECK(browser.post("/administrators/administrator", {{"role", "viewer"}, {"version", version}}).status ==
        303);
  CHECK(browser.get("/administrators").status == 403);
}

TEST_CASE("An administrator who is limited to some mailboxes cannot lift the limit") {
  ConsoleVault vault;
  vault.add_account("sales", vault::Role::Administrator, {"sales-*"});
  Browser browser(vault);
  browser.sign_in("sales");
  CHECK(browser.get("/administrators").status == 403);
  CHECK(browser.post("/new-administrator", {{"name", "x"}, {"role", "administrator"}}).status == 403);
  CHECK(browser.post("/administrators/sales", {{"role", "administrator"}}).status == 403);
  CHECK_FALSE(shows(browser.get("/"), "href=\"/administrators\""));
}

TEST_CASE("A removed account is gone, and a missing one is 404") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.sign_in("administrator");
  CHECK(browser.post("/administrators/viewer/remove", {}).status == 303);
  CHECK(browser.get("/administrators/viewer").status == 404);
  CHECK(browser.post("/administrators/nobody/remove", {}).status == 404);
  CHECK(browser.get("/about").status == 200);
}

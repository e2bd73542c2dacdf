#include <catch2/catch.hpp>

#include "web/browser.h"
#include "web/totp.h"

using namespace gw;
using namespace gw::test;
using namespace std::literals;

namespace {

const std::string kOld(kConsolePassword);
const std::string kNew = "another password, long enough";

vault::Account account_of(ConsoleVault& vault, const std::string& name) {
  return *vault::find_account(vault.store, name);
}

// Base32 of the page, decoded.
Secret secret_on(const web::Response& page) {
  const std::size_t at = page.body.find("<code>");
  REQUIRE(at != std::string::npos);
  const std::string text = page.body.substr(at + 6, 32);
  Secret secret(20);
  std::uint64_t bits = 0;
  int count = 0;
  std::size_t used = 0;
  for (const char c : text) {
    const std::uint64_t value =
        c >= 'A' ? static_cast<std::uint64_t>(c - 'A') : static_cast<std::uint64_t>(c - '2') + 26;
    bits = bits << 5 | value;
    count += 5;
    if (count < 8) continue;
    count -= 8;
    secret.span()[used++] = static_cast<std::byte>(bits >> count & 0xff);
  }
  return secret;
}

std::string code_now(const ConsoleVault& vault, const Secret& secret) {
  return web::totp_code(secret, vault.console->now() / 1'000'000 / web::kTotpStep);
}

}  // namespace

TEST_CASE("A user's own password is changed with the old one; other sessions end and this one continues") {
  ConsoleVault vault;
  Browser browser(vault), elsewhere(vault);
  browser.sign_in("viewer");
  elsewhere.sign_in("viewer");
  const std::string before = browser.cookies["__Host-gw"];
  CHECK(browser.post("/account/password", {{"old", kOld}, {"new", kNew}, {"again", "different"}}).status ==
        422);
  CHECK(browser.post("/account/password", {{"old", kOld}, {"new", "short"}, {"again", "short"}}).status ==
        422);
  CHECK(browser.post("/account/password", {{"old", "wrong"}, {"new", kNew}, {"again", kNew}}).status == 422);
  CHECK(elsewhere.get("/account").status == 200);
  const web::Response done =
      browser.post("/account/password", {{"old", kOld}, {"new", kNew}, {"again", kNew}});
  CHECK(location(done) == "/account?done=saved");
  CHECK(browser.cookies["__Host-gw"] != before);
  CHECK(shows(browser.get("/account?done=saved"), "Changes saved."));
  CHECK(elsewhere.get("/account").status == 303);
  CHECK(Browser(vault, "192.0.2.8").sign_in("viewer", kNew).status == 303);
}

TEST_CASE("No response contains a typed password") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.sign_in("viewer");
  const web::Response page =
      browser.post("/account/password", {{"old", "old secret"}, {"new", kNew}, {"again", "x"}});
  CHECK_FALSE(shows(page, kNew));
  CHECK_FALSE(shows(page, "old secret"));
  CHECK_FALSE(shows(Browser(vault, "192.0.2.8").sign_in("viewer", "typed secret"), "typed secret"));
}

TEST_CASE("A second factor is set up with a code and required at sign-in, and each code is valid once") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.sign_in("viewer");
  const web::Response enrol = browser.post("/account/totp/begin", {});
  CHECK(enrol.status == 200);
  CHECK(enrol.secret);
  CHECK(shows(enrol, "<svg class=\"qr\""));
  const Secret secret = secret_on(enrol);
  CHECK(browser.post("/account/totp/confirm", {{"code", "000000"}, {"password", kOld}}).status == 422);
  CHECK(browser.post("/account/totp/confirm", {{"code", code_now(vault, secret)}, {"password", "wrong"}})
            .status == 422);
  CHECK_FALSE(account_of(vault, "viewer").has_totp());
  CHECK(
      browser.post("/account/totp/confirm", {{"code", code_now(vault, secret)}, {"password", kOld}}).status ==
      303);
  CHECK(account_of(vault, "viewer").has_totp());
  CHECK(shows(browser.get("/account?done=totp-on"), "The second factor is on."));

  Browser other(vault, "192.0.2.8");
  CHECK(other.sign_in("viewer").status == 403);
  CHECK(other.sign_in("viewer", kOld, "000000").status == 403);
  CHECK(other.sign_in("viewer", kOld, code_now(vault, secret)).status == 303);
  CHECK(Browser(vault, "192.0.2.9").sign_in("viewer", kOld, code_now(vault, secret)).status == 403);
  vault.pass(61s);
  CHECK(Browser(vault, "192.0.2.9").sign_in("viewer", kOld, code_now(vault, secret)).status == 303);

  CHECK(browser.post("/account/totp/remove", {{"password", "wrong"}}).status == 422);
  CHECK(browser.post("/account/totp/remove", {{"password", kOld}}).status == 303);
  CHECK(Browser(vault, "192.0.2.10").sign_in("viewer").status == 303);
}

TEST_CASE("A right code does not show that the password is wrong, nor the other way round") {
  ConsoleVault vault;
  const Secret secret(as_bytes("12345678901234567890"));
  REQUIRE(vault::set_totp(vault.store, account_of(vault, "viewer"), secret.clone(), "test"));
  const std::string wrong_code = Browser(vault, "192.0.2.8").sign_in("viewer", kOld, "000000").body;
  const std::string wrong_password =
      Browser(vault, "192.0.2.9").sign_in("viewer", "wrong", code_now(vault, secret)).body;
  CHECK(wrong_code == wrong_password);
}

TEST_CASE("Guesses of the own password within a session have to wait as well") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.sign_in("viewer");
  for (int i = 0; i < 3; ++i)
    CHECK(browser.post("/account/totp/remove", {{"password", "wrong"}}).status == 422);
  const web::Response waits = browser.post("/account/totp/remove", {{"password", kOld}});
  CHECK(waits.status == 429);
  CHECK(shows(waits, "Too many attempts"));
  CHECK(waits.headers.get("Retry-After") == "1");
  vault.pass(2s);
  CHECK(browser.post("/account/totp/remove", {{"password", kOld}}).status == 303);
}

TEST_CASE("Choosing a language takes effect immediately and returns to the open page") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.sign_in("viewer");
  const web::Response done = browser.post("/account/language", {{"language", "de"}, {"back", "/account"}});
  CHECK(location(done) == "/account");
  CHECK(shows(browser.get("/account"), "<html lang=\"de\">"));
  CHECK(account_of(vault, "viewer").language == "de");
  CHECK(browser.post("/account/language", {{"language", "fr"}}).status == 400);
  CHECK(location(browser.post("/account/language", {{"language", "it"}, {"back", "//evil.example"}})) ==
        "/account?done=saved");
}

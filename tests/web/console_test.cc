// How the console lets requests in: from the table of routes, and nowhere else.
#include "web/console.h"

#include <catch2/catch.hpp>
#include <set>

#include "web/browser.h"
#include "web/pages.h"

using namespace gw;
using namespace gw::test;
using namespace std::literals;

TEST_CASE("Who is not signed in is sent to the sign-in page from everywhere, also where nothing is") {
  ConsoleVault vault;
  Browser browser(vault);
  for (const web::Route& route : web::routes()) {
    if (route.access == web::Access::Public || route.method != "GET") continue;
    if (route.kind == web::Kind::Plain) continue;
    if (route.pattern.find("/api/") == 0) continue;
    CAPTURE(std::string(route.pattern));
    const web::Response response = browser.get(std::string(route.pattern));
    CHECK(response.status == 303);
    CHECK(location(response).starts_with("/sign-in"));
  }
  CHECK(location(browser.get("/no/such/page?a=b")) == "/sign-in?next=%2Fno%2Fsuch%2Fpage%3Fa%3Db");
  CHECK(browser.post("/account/language", {{"language", "it"}}).status == 303);
}

TEST_CASE("Signing in brings to the page that was wanted, with a cookie for this host alone") {
  ConsoleVault vault;
  Browser browser(vault);
  const web::Response page = browser.get("/sign-in?next=%2Fabout");
  CHECK(page.status == 200);
  CHECK(shows(page, "name=\"next\" value=\"/about\""));
  const web::Response done =
      browser.ask("POST", "/sign-in",
                  {{"name", "viewer"}, {"password", std::string(kConsolePassword)}, {"next", "/about"}});
  CHECK(done.status == 303);
  CHECK(location(done) == "/about");
  const std::string cookie(done.headers.get("Set-Cookie"));
  CHECK(cookie.starts_with("__Host-gw="));
  for (const char* part : {"; Secure", "; HttpOnly", "; SameSite=Strict", "; Path=/"})
    CHECK(cookie.find(part) != std::string::npos);
  CHECK(cookie.find("Domain") == std::string::npos);
  CHECK(browser.get("/no/such/page").status == 404);
}

TEST_CASE("Signing in leads to no other host") {
  ConsoleVault vault;
  for (const char* next : {"//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)",
                           "/a\r\nb", "/sign-out", ""}) {
    Browser browser(vault);
    const web::Response done =
        browser.ask("POST", "/sign-in",
                    {{"name", "viewer"}, {"password", std::string(kConsolePassword)}, {"next", next}});
    CAPTURE(next);
    CHECK(location(done) == "/");
  }
}

TEST_CASE("An id that was planted before signing in is worth nothing after") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.cookies["__Host-gw"] = std::string(64, 'a');
  browser.sign_in("viewer");
  CHECK(browser.cookies["__Host-gw"] != std::string(64, 'a'));
  // Nor is one of a session that was there before.
  const std::string before = browser.cookies["__Host-gw"];
  browser.sign_in("viewer");
  CHECK(browser.cookies["__Host-gw"] != before);
  Browser thief(vault);
  thief.cookies["__Host-gw"] = before;
  CHECK(thief.get("/no/such/page").status == 303);
}

TEST_CASE("A session ends after its idle time, and says so") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.sign_in("viewer");
  vault.pass(14min);
  CHECK(browser.get("/no/such/page").status == 404);
  vault.pass(15min + 1s);
  const web::Response response = browser.get("/no/such/page");
  CHECK(location(response).find("ended=1") != std::string::npos);
  CHECK(browser.cookies.empty());
  CHECK(shows(browser.get("/sign-in?ended=1"), "Your session has ended"));
}

TEST_CASE("A form without the session's token, or from elsewhere, changes nothing") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.sign_in("viewer");
  const auto signed_in = [&] { return browser.get("/no/such/page").status == 404; };
  CHECK(browser.post_without_token("/sign-out", {}).status == 403);
  CHECK(browser.post_without_token("/sign-out", {{"csrf", std::string(64, '0')}}).status == 403);
  CHECK(browser.post_without_token("/sign-out", {{"csrf", ""}}).status == 403);
  for (const char* origin : {"https://evil.example", "null", "https://gw.example:8451", "http://gw.example",
                             "", "https://gw.example.evil"}) {
    CAPTURE(origin);
    browser.origin = origin;
    CHECK(browser.post("/sign-out", {}).status == 403);
    CHECK(signed_in());
  }
  browser.origin = "https://gw.example";
  CHECK(browser.post("/sign-out", {}).status == 303);
  CHECK_FALSE(signed_in());
}

TEST_CASE("Signing in from a form of elsewhere is refused") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.origin = "https://evil.example";
  CHECK(browser.sign_in("viewer").status == 403);
  CHECK(browser.cookies.empty());
}

TEST_CASE("No state changes by GET: what changes something is not there for it") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.sign_in("administrator");
  std::set<std::string_view> readable;
  for (const web::Route& route : web::routes())
    if (route.method == "GET") readable.insert(route.pattern);
  for (const web::Route& route : web::routes()) {
    if (route.method == "GET" || readable.contains(route.pattern)) continue;
    if (route.pattern.starts_with("/api/")) continue;
    CAPTURE(std::string(route.pattern));
    const web::Response response = browser.get(std::string(route.pattern));
    CHECK(response.status == 405);
    CHECK(response.headers.get("Allow") == route.method);
  }
}

TEST_CASE("Another host's name is not answered to") {
  ConsoleVault vault;
  Browser browser(vault);
  for (const char* host :
       {"evil.example", "gw.example.evil.example", "", "localhost", "[::1]:8450", "192.0.2.2"}) {
    CAPTURE(host);
    browser.host = host;
    CHECK(browser.get("/sign-in").status == 421);
  }
  for (const char* host : {"gw.example", "GW.example:8450", "192.0.2.1", "192.0.2.1:8450"}) {
    CAPTURE(host);
    browser.host = host;
    CHECK(browser.get("/sign-in").status == 200);
  }
  browser.host = "evil.example";
  CHECK(browser.get("/healthz").status == 200);
}

TEST_CASE("A wrong password, a wrong account and a disabled one get the same page") {
  ConsoleVault vault;
  vault::Account gone = vault.add_account("gone", vault::Role::Viewer);
  gone.disabled = true;
  REQUIRE(vault::change_account(vault.store, gone, "disabled", "test"));
  const auto page_for = [&](const std::string& name, std::string_view password) {
    Browser browser(vault, "198.51.100." + std::to_string(name.size()));
    web::Response response = browser.sign_in(name, password);
    CHECK(response.status == 403);
    // But for the name that was typed.
    const std::string shown = "value=\"" + name + "\"";
    const std::size_t at = response.body.find(shown);
    REQUIRE(at != std::string::npos);
    return response.body.erase(at, shown.size());
  };
  const std::string wrong = page_for("viewer", "not the password");
  CHECK(wrong.find("Account, password or code is not right.") != std::string::npos);
  CHECK(page_for("nobody-here", "not the password") == wrong);
  CHECK(page_for("gone", kConsolePassword) == wrong);
}

TEST_CASE("An unknown account costs the same work") {
  ConsoleVault vault;
  std::vector<std::string> asked;
  vault.store.fail = [&](std::string_view operation) -> std::optional<Error> {
    if (operation == "permit") asked.emplace_back(operation);
    return std::nullopt;
  };
  Browser(vault, "198.51.100.1").sign_in("viewer", "not the password");
  CHECK(asked.size() == 1);
  Browser(vault, "198.51.100.2").sign_in("nobody", "not the password");
  CHECK(asked.size() == 2);
}

TEST_CASE("Who guesses waits longer and longer, by source and by account") {
  ConsoleVault vault;
  Browser thief(vault, "203.0.113.5");
  for (int i = 0; i < 3; ++i) CHECK(thief.sign_in("viewer", "guess").status == 403);
  const web::Response refused = thief.sign_in("viewer", kConsolePassword);
  CHECK(refused.status == 429);
  CHECK_FALSE(refused.headers.get("Retry-After").empty());
  CHECK(thief.sign_in("operator").status == 429);
  // From elsewhere the account has to wait as well, another account has not.
  CHECK(Browser(vault, "203.0.113.6").sign_in("viewer").status == 429);
  CHECK(Browser(vault, "203.0.113.6").sign_in("operator").status == 303);
  vault.pass(2s);
  CHECK(thief.sign_in("viewer").status == 303);
}

TEST_CASE("Guesses from elsewhere do not keep away who has signed in before") {
  ConsoleVault vault;
  Browser owner(vault, "192.0.2.7");
  CHECK(owner.sign_in("viewer").status == 303);
  Browser thief(vault, "203.0.113.5");
  for (int i = 0; i < 5; ++i) thief.sign_in("viewer", "guess");
  CHECK(thief.sign_in("viewer").status == 429);
  CHECK(owner.sign_in("viewer").status == 303);
}

TEST_CASE("A keeper that is away is a page that says so, and the console goes on") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.sign_in("viewer");
  vault.away = true;
  const web::Response response = browser.get("/no/such/page");
  CHECK(response.status == 503);
  CHECK(shows(response, "Nothing is lost"));
  CHECK(response.headers.get("Retry-After") == "10");
  CHECK(browser.get("/healthz").status == 200);
  vault.away = false;
  vault.store.fail = [](std::string_view) { return std::optional(Error(Code::Unavailable, "gone")); };
  CHECK(browser.get("/no/such/page").status == 503);
  vault.store.fail = nullptr;
  CHECK(browser.get("/no/such/page").status == 404);
}

TEST_CASE("A disabled or removed account, and one with a new password, is signed out at once") {
  ConsoleVault vault;
  const auto account = [&] { return *vault::find_account(vault.store, "viewer"); };
  Browser browser(vault);
  browser.sign_in("viewer");
  REQUIRE(vault::reset_password(vault.store, account(), Secret(as_bytes(kConsolePassword)), false, "test"));
  CHECK(browser.get("/no/such/page").status == 303);
  browser.sign_in("viewer");
  CHECK(browser.get("/no/such/page").status == 404);
  vault::Account disabled = account();
  disabled.disabled = true;
  REQUIRE(vault::change_account(vault.store, disabled, "disabled", "test"));
  CHECK(browser.get("/no/such/page").status == 303);
  disabled = account();
  disabled.disabled = false;
  REQUIRE(vault::change_account(vault.store, disabled, "enabled", "test"));
  browser.sign_in("viewer");
  REQUIRE(vault::remove_account(vault.store, account(), "test"));
  CHECK(browser.get("/no/such/page").status == 303);
}

TEST_CASE("A change of the role counts at once, with a new id") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.sign_in("viewer");
  const std::string before = browser.cookies["__Host-gw"];
  vault::Account account = *vault::find_account(vault.store, "viewer");
  account.role = vault::Role::Operator;
  REQUIRE(vault::change_account(vault.store, account, "role operator", "test"));
  CHECK(shows(browser.get("/no/such/page"), "operator"));
  CHECK(browser.cookies["__Host-gw"] != before);
  CHECK(browser.get("/no/such/page").status == 404);
}

TEST_CASE("Each route takes accounts of its role and higher ones only") {
  ConsoleVault vault;
  for (const vault::Role role : {vault::Role::Viewer, vault::Role::Operator, vault::Role::Administrator}) {
    Browser browser(vault);
    browser.sign_in(std::string(vault::name(role)));
    for (const web::Route& route : web::routes()) {
      if (route.kind == web::Kind::Plain || route.access == web::Access::Public) continue;
      const bool needs_more =
          (route.access == web::Access::Operator && role < vault::Role::Operator) ||
          (route.access >= web::Access::Administrator && role < vault::Role::Administrator);
      if (!needs_more) continue;
      CAPTURE(std::string(route.pattern), std::string(route.method), std::string(vault::name(role)));
      CHECK(browser.ask(std::string(route.method), std::string(route.pattern), {{"csrf", browser.csrf}})
                .status == 403);
    }
  }
}

TEST_CASE("The language is the account's, or as the browser asks") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.language = "it";
  CHECK(shows(browser.get("/sign-in"), "<html lang=\"it\">"));
  browser.sign_in("viewer");
  CHECK(shows(browser.get("/no/such/page"), "<html lang=\"en\">"));
}

TEST_CASE("Of the table of routes the first that fits counts, and methods that a path knows are named") {
  const web::Routes table{{"GET", "/a/new", web::Access::Viewer, nullptr},
                          {"GET", "/a/:name", web::Access::Viewer, nullptr},
                          {"POST", "/a/:name", web::Access::Operator, nullptr}};
  CHECK(web::find_route(table, "GET", "/a/new").route == &table[0]);
  const web::Found found = web::find_route(table, "HEAD", "/a/b");
  CHECK(found.route == &table[1]);
  CHECK(found.parameters.get("name") == "b");
  CHECK(web::find_route(table, "GET", "/a/").route == nullptr);
  CHECK(web::find_route(table, "GET", "/a/b/c").route == nullptr);
  CHECK(web::find_route(table, "GET", "/a/b/").route == nullptr);
  CHECK(web::find_route(table, "DELETE", "/a/b").allowed == "GET, HEAD, POST");
}

TEST_CASE("What watches the process is told whether it lives and whether mail can be taken") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.host = "10.0.0.1";
  CHECK(browser.get("/healthz").body == "ok\n");
  CHECK(browser.get("/readyz").status == 200);
  vault.away = true;
  CHECK(browser.get("/healthz").status == 200);
  CHECK(browser.get("/readyz").status == 503);
}

TEST_CASE("Metrics are for accounts that see all mailboxes, and are the vault's and the console's own") {
  ConsoleVault vault;
  vault.add_mailbox("journal");
  vault.add_account("sales", vault::Role::Administrator, {"sales-*"});
  Browser nobody(vault), sales(vault, "192.0.2.8"), browser(vault);
  CHECK(nobody.get("/metrics").status == 401);
  sales.sign_in("sales");
  CHECK(sales.get("/metrics").status == 403);
  browser.sign_in("viewer");
  const web::Response metrics = browser.get("/metrics");
  CHECK(metrics.content_type.starts_with("application/openmetrics-text"));
  CHECK(shows(metrics, "mailbox=\"journal\""));
  CHECK(shows(metrics, "gw_webd_sessions 2\n"));
  CHECK(metrics.body.ends_with("# EOF\n"));
  CHECK(metrics.body.find("# EOF") == metrics.body.size() - 6);
}

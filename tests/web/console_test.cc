// How the console lets requests in: from the table of routes, and nowhere else.
#include "web/console.h"

#include <catch2/catch.hpp>
#include <set>

#include "vault/token.h"
#include "web/browser.h"
#include "web/http/forwarded.h"
#include "web/pages/pages.h"

using namespace gw;
using namespace gw::test;
using namespace std::literals;

TEST_CASE(
    "Without memory to check a password every page and operation answers 503, not 429 as for a guesser") {
  ConsoleVault vault;
  const auto mailbox = vault.add_mailbox("journal");
  const MessageId message = vault.deliver(mailbox, "Subject: x\r\n\r\nx\r\n");
  Browser browser(vault);
  browser.sign_in("administrator");
  const std::string path = "/mailboxes/journal";
  for (const std::string& form : {path + "/rotate", path + "/password", path + "/messages/" + message.hex()})
    CHECK(browser.get(form).status == 200);
  CHECK(browser.get("/account").status == 200);
  const std::string password(kConsolePassword);
  const auto all = [&](int status) {
    std::vector<web::Response> pages;
    pages.push_back(browser.post(path + "/rotate", {{"password", password}}));
    pages.push_back(
        browser.post(path + "/password", {{"old", password}, {"fresh", password}, {"again", password}}));
    pages.push_back(browser.post(path + "/messages/" + message.hex() + "/open", {{"password", password}}));
    pages.push_back(browser.post("/account/totp/remove", {{"password", password}}));
    pages.push_back(Browser(vault, "192.0.2.77").sign_in("viewer"));
    for (std::size_t i = 0; i < pages.size(); ++i) {
      CAPTURE(i, pages[i].body);
      CHECK(pages[i].status == status);
      if (status == 503) CHECK(pages[i].headers.get("Retry-After") == "10");
    }
  };
  vault.store.fail = [](std::string_view operation) -> std::optional<Error> {
    return operation == "permit" ? std::optional(Error(Code::Busy, "no memory now")) : std::nullopt;
  };
  // More often than a guesser may try.
  for (int i = 0; i < 5; ++i) all(503);
  vault.store.fail = nullptr;
  all(303);
}

TEST_CASE("A client that is not signed in is redirected to the sign-in page from every path") {
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

TEST_CASE("Signing in leads to the requested page, with a cookie for this host only") {
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

TEST_CASE("A session id that was set before signing in is not valid afterwards") {
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
  CHECK_FALSE(browser.cookies.contains("__Host-gw"));
  CHECK(shows(browser.get("/sign-in?ended=1"), "Your session has ended"));
}

TEST_CASE("A page that loads itself again keeps no session alive") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.sign_in("viewer");
  for (int minutes = 0; minutes < 14; minutes += 7) {
    vault.pass(7min);
    CHECK(browser.get("/?unattended=1").status == 200);
  }
  vault.pass(61s);
  CHECK(location(browser.get("/?unattended=1")).find("ended=1") != std::string::npos);
  // A form is always use.
  browser.sign_in("viewer");
  vault.pass(14min);
  browser.post("/account/language?unattended=1", {{"language", "en"}});
  vault.pass(14min);
  CHECK(browser.get("/").status == 200);
}

TEST_CASE("A form without the session's token, or from another site, changes nothing") {
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

TEST_CASE("Signing in from a form of another site is refused") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.origin = "https://evil.example";
  CHECK(browser.sign_in("viewer").status == 403);
  CHECK(browser.cookies.empty());
}

TEST_CASE("GET changes no state: paths that change something do not have it") {
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

TEST_CASE("A request for another host name is refused") {
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
  CHECK(wrong.find("The account, password or code is wrong.") != std::string::npos);
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

TEST_CASE("A sign-in that cannot be checked does not count as wrong") {
  ConsoleVault vault;
  Browser browser(vault, "203.0.113.5");
  for (int i = 0; i < 5; ++i) {
    vault.store.fail = [](std::string_view operation) -> std::optional<Error> {
      return operation == "permit" ? std::optional(Error(Code::Unavailable, "no keeper")) : std::nullopt;
    };
    CHECK(browser.sign_in("viewer").status == 503);
    vault.store.fail = nullptr;
  }
  CHECK(browser.sign_in("viewer").status == 303);
}

TEST_CASE("A client that guesses waits longer and longer, by address and by account") {
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

TEST_CASE("Guesses from other addresses do not lock out a user who has signed in before") {
  ConsoleVault vault;
  Browser owner(vault, "192.0.2.7");
  CHECK(owner.sign_in("viewer").status == 303);
  Browser thief(vault, "203.0.113.5");
  for (int i = 0; i < 5; ++i) thief.sign_in("viewer", "guess");
  CHECK(thief.sign_in("viewer").status == 429);
  CHECK(owner.sign_in("viewer").status == 303);
}

TEST_CASE("Guesses from the address of a proxy lock out no other user") {
  ConsoleVault vault;
  Browser guesser(vault, "127.0.0.1");
  guesser.tls = false;
  for (int i = 0; i < 20; ++i) guesser.sign_in("nobody-" + std::to_string(i), "guess");
  Browser first(vault, "127.0.0.1");
  first.tls = false;
  CHECK(first.sign_in("viewer").status == 303);
  // At this account too: who has signed in to it before has tries of his own.
  for (int i = 0; i < 5; ++i) guesser.sign_in("viewer", "guess");
  CHECK(guesser.sign_in("viewer").status == 429);
  CHECK(first.sign_in("viewer").status == 303);
  for (int i = 0; i < 5; ++i) first.sign_in("viewer", "guess");
  CHECK(first.sign_in("viewer").status == 429);
}

TEST_CASE("Only a trusted proxy names the address of the client") {
  ConsoleVault vault;
  const auto guesses = [&](const std::string& peer, const std::string& forwarded) {
    Browser guesser(vault, peer);
    guesser.headers = {{"x-forwarded-for", forwarded}};
    for (int i = 0; i < 10; ++i) guesser.sign_in("nobody-" + std::to_string(i), "guess");
    return guesser.sign_in("nobody", "guess").status;
  };
  CHECK(guesses("127.0.0.1", "198.51.100.1") == 429);
  // What the client wrote in front of it counts for nothing, so it cannot change its address at each try.
  CHECK(guesses("127.0.0.1", "10.0.0.9, 198.51.100.1") == 429);
  CHECK(guesses("127.0.0.1", "198.51.100.2, 192.0.2.250") == 429);
  Browser other(vault, "127.0.0.1");
  other.headers = {{"x-forwarded-for", "198.51.100.3"}};
  CHECK(other.sign_in("viewer").status == 303);
  const auto last_actor = [&] {
    const auto head = vault.store.history_head({});
    const auto leaves = vault.store.history_read({}, head->size - 1, 1);
    return store::decode_leaf(leaves->front())->actor;
  };
  CHECK(other.post("/account/language", {{"language", "it"}}).status == 303);
  CHECK(last_actor().starts_with("console viewer from 198.51.100.3"));
  // From anybody else the header is nothing.
  CHECK(guesses("203.0.113.1", "198.51.100.4") == 429);
  Browser same(vault, "198.51.100.4");
  CHECK(same.sign_in("viewer").status == 303);
}

TEST_CASE("The client's address is the last one that is not of a trusted proxy") {
  const auto trusted = [](std::string_view peer) { return peer == "127.0.0.1" || peer.starts_with("10."); };
  const auto client = [&](const std::string& list, const std::string& peer = "127.0.0.1") {
    web::Fields headers;
    if (!list.empty()) headers.add("x-forwarded-for", list);
    return web::client_address(headers, peer, trusted);
  };
  CHECK(client("") == "127.0.0.1");
  CHECK(client("192.0.2.1") == "192.0.2.1");
  CHECK(client("192.0.2.1", "192.0.2.9") == "192.0.2.9");
  CHECK(client("192.0.2.1, 192.0.2.2") == "192.0.2.2");
  CHECK(client("192.0.2.1 ,10.0.0.1,10.0.0.2") == "192.0.2.1");
  CHECK(client("10.0.0.3, 10.0.0.1") == "10.0.0.3");
  CHECK(client("192.0.2.1:4711") == "192.0.2.1");
  CHECK(client("[2001:DB8::1]:443") == "2001:db8::1");
  CHECK(client("2001:db8::1") == "2001:db8::1");
  CHECK(client("::ffff:192.0.2.1") == "192.0.2.1");
  for (const char* odd : {"unknown", "_hidden", "192.0.2", "192.0.2.1, ", "[", "[]", ":", "192.0.2.1, x"})
    CHECK(client(odd) == "127.0.0.1");
  web::Fields two;
  two.add("x-forwarded-for", "192.0.2.1");
  two.add("x-forwarded-for", "192.0.2.2, 10.0.0.1");
  CHECK(web::client_address(two, "127.0.0.1", trusted) == "192.0.2.2");
}

TEST_CASE("Behind a web server that speaks TLS the session's cookie is bound to TLS and to this host") {
  for (const bool told : {false, true}) {
    ConsoleVault vault;
    Browser browser(vault, "127.0.0.1");
    browser.tls = false;
    // Without the header the Origin of the form says it.
    if (told) browser.headers = {{"x-forwarded-proto", "https"}};
    const web::Response done = browser.sign_in("viewer");
    REQUIRE(done.status == 303);
    for (const std::string_view line : done.headers.all("Set-Cookie")) {
      CHECK(line.starts_with("__Host-gw"));
      CHECK(line.find("; Secure") != std::string_view::npos);
    }
    const web::Response page = browser.get("/account");
    CHECK(page.status == 200);
    CHECK(page.headers.get("Strict-Transport-Security").starts_with("max-age"));
    CHECK(browser.post("/sign-out", {}).status == 303);
    CHECK_FALSE(browser.cookies.contains("__Host-gw"));
  }
  ConsoleVault vault;
  Browser browser(vault, "127.0.0.1");
  browser.tls = false;
  browser.origin = "http://gw.example";
  CHECK(browser.sign_in("viewer").status == 303);
  CHECK(browser.cookies.contains("gw"));
  CHECK_FALSE(browser.get("/account").headers.has("Strict-Transport-Security"));
}

TEST_CASE("Only clients with a session or a token may send a long body") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.sign_in("viewer");
  web::Request request;
  request.tls = true;
  request.target = "/sign-in";
  CHECK(vault.console->most_body(request) == 8 << 10);
  request.cookies.add("__Host-gw", "0123");
  CHECK(vault.console->most_body(request) == 8 << 10);
  web::Request known;
  known.tls = true;
  known.target = "/account";
  known.cookies.add("__Host-gw", browser.cookies["__Host-gw"]);
  CHECK(vault.console->most_body(known) == 1 << 20);
  known.target = "/api/v1/mailboxes";
  CHECK(vault.console->most_body(known) == 8 << 10);
  const auto text = vault::generate_api_token("watch");
  vault::ApiToken wanted;
  wanted.name = "watch";
  REQUIRE(vault::make_api_token(vault.store, wanted, *text, "test"));
  known.headers.add("authorization", "Bearer " + std::string(text->text()));
  CHECK(vault.console->most_body(known) == 1 << 20);
}

TEST_CASE("A conflict, a full disk, a quota or a taken name is not reported as a missing keeper") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.sign_in("viewer");
  Error failure(Code::Busy, "another backup of this vault is in progress");
  int status = 503;
  std::string text = "Another operation is in progress";
  SECTION("a full disk") {
    failure = Error(Code::Full, "not enough disk space");
    text = "The disk of the vault is full";
  }
  SECTION("a quota") {
    failure = Error(Code::OverQuota, "the mailbox has reached its quota");
    text = "The mailbox has reached its quota";
  }
  SECTION("a taken name") {
    failure = Error(Code::Exists, "the record already exists");
    status = 409;
    text = "This name or address is already in use";
  }
  SECTION("busy") {}
  vault.store.fail = [&](std::string_view operation) {
    return operation == "mailboxes" ? std::optional(failure) : std::nullopt;
  };
  const web::Response response = browser.get("/mailboxes");
  CHECK(response.status == status);
  CHECK(shows(response, text));
  CHECK_FALSE(shows(response, "does not respond"));
  CHECK_FALSE(shows(response, "Someone else"));
}

TEST_CASE("Without a keeper there is a page that says so, and the console continues") {
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

TEST_CASE("A disabled or removed account, and one with a new password, is signed out immediately") {
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

TEST_CASE("A change of the role takes effect immediately, with a new session id") {
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

TEST_CASE("The first route that matches is used, and the methods of a path are named") {
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

TEST_CASE("A monitor learns whether the process runs and whether mail is accepted") {
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

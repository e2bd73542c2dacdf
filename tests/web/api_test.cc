// The API as a program asks it, over a vault in memory: tokens, scopes, names, bodies, answers.
#include "web/api/api.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "vault/maintenance_log.h"
#include "vault/token.h"
#include "web/api/api_private.h"
#include "web/browser.h"
#include "web/rate_limiter.h"

using namespace gw;
using namespace gw::test;
using web::api::Json;

namespace {

class Program {
 public:
  Program(ConsoleVault& vault, vault::Role role, std::vector<std::string> only = {})
      : Program(vault, vault::scope_of(role), std::move(only)) {}
  Program(ConsoleVault& vault, vault::Scope scope, std::vector<std::string> only = {}) : vault_(vault) {
    vault::ApiToken wanted;
    wanted.name = "test" + std::to_string(++made_);
    wanted.scope = scope;
    wanted.only = std::move(only);
    const auto text = vault::generate_api_token(wanted.name);
    REQUIRE(text);
    REQUIRE(vault::make_api_token(vault.store, wanted, *text, "test"));
    token = "Bearer " + std::string(text->text());
  }

  web::Response ask(const std::string& method, const std::string& target, const std::string& body = "") {
    web::Request request;
    request.method = method;
    request.target = target;
    const std::size_t question = target.find('?');
    request.path = *web::url_decoded(target.substr(0, question), false);
    if (question != std::string::npos) request.query = *web::parse_query(target.substr(question));
    request.headers.add("host", "gw.example");
    if (!token.empty()) request.headers.add("authorization", token);
    if (!cookie.empty()) request.cookies.add("__Host-gw", cookie);
    if (!body.empty()) request.headers.add("content-type", type);
    request.body = Secret(as_bytes(body));
    request.peer.address = "192.0.2.8";
    request.tls = true;
    return vault_.console->answer(request);
  }
  Json json(const std::string& method, const std::string& target, int status, const std::string& body = "") {
    const web::Response response = ask(method, target, body);
    CAPTURE(method, target, response.body);
    REQUIRE(response.status == status);
    return response.body.empty() ? Json() : Json::parse(response.body);
  }
  std::string error(const std::string& method, const std::string& target, int status,
                    const std::string& body = "") {
    const Json answer = json(method, target, status, body);
    const Json schema{{"$ref", "#/components/schemas/Error"}};
    CHECK_FALSE(web::api::misfit(answer, schema, ""));
    return answer["error"]["code"].get<std::string>() + ": " + answer["error"]["message"].get<std::string>();
  }

  std::string token;
  std::string cookie;
  std::string type = "application/json";

 private:
  ConsoleVault& vault_;
  static inline int made_ = 0;
};

std::string new_mailbox(std::string_view name) {
  return Json{{"name", name}, {"password", kConsolePassword}}.dump();
}

std::string opening(std::string_view password, std::string_view form) {
  return Json{{"password", password}, {"form", form}}.dump();
}

}  // namespace

TEST_CASE("Without a token, also with a session, the API returns 401 for everything but its document") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.sign_in("administrator");
  Program program(vault, vault::Role::Administrator);
  program.token.clear();
  program.cookie = browser.cookies["__Host-gw"];
  for (const web::api::Operation& each : web::api::operations()) {
    CAPTURE(std::string(each.id));
    const web::Response response = program.ask(std::string(each.method), std::string(each.pattern));
    CHECK(response.status == (each.open ? 200 : 401));
    if (!each.open) CHECK(response.headers.has("WWW-Authenticate"));
  }
  CHECK(program.error("GET", "/api/v2/x", 404).starts_with("not_found"));
  const web::Response wrong_method = program.ask("DELETE", "/api/v1/status");
  CHECK(wrong_method.status == 405);
  CHECK(wrong_method.headers.get("Allow") == "GET, HEAD");
}

TEST_CASE("A client that guesses tokens has to wait, and a right token from the same address does not") {
  ConsoleVault vault;
  Program guesser(vault, vault::Role::Viewer);
  Program other(vault, vault::Role::Viewer);
  guesser.token = "Bearer gw_test_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
  web::Response waiting = guesser.ask("GET", "/api/v1/status");
  CHECK(waiting.status == 401);
  for (int i = 0; i < 10 && waiting.status == 401; ++i) waiting = guesser.ask("GET", "/api/v1/status");
  CHECK(waiting.status == 429);
  CHECK(waiting.headers.has("Retry-After"));
  CHECK(other.ask("GET", "/api/v1/status").status == 200);
  CHECK(other.ask("GET", "/metrics").status == 200);
}

TEST_CASE("A token that guesses at a mailbox's password gets 429, and one without memory for it 503") {
  ConsoleVault vault;
  vault.add_mailbox("journal");
  Program program(vault, vault::Role::Administrator);
  const auto rotate = [&](std::string_view password) {
    return program.ask("POST", "/api/v1/mailboxes/journal/rotate", Json{{"password", password}}.dump());
  };
  vault.store.fail = [](std::string_view operation) -> std::optional<Error> {
    return operation == "permit" ? std::optional(Error(Code::Busy, "no memory now")) : std::nullopt;
  };
  for (int i = 0; i < 5; ++i) {
    const web::Response busy = rotate(kConsolePassword);
    CHECK(busy.status == 503);
    CHECK(busy.headers.get("Retry-After") == "10");
  }
  vault.store.fail = nullptr;
  for (int i = 0; i < 3; ++i) CHECK(rotate("a guess of some length").status == 403);
  const web::Response waits = rotate(kConsolePassword);
  CHECK(waits.status == 429);
  CHECK(waits.headers.get("Retry-After") == "1");
  CHECK(Json::parse(waits.body)["error"]["code"] == "rate_limited");
  vault.pass(std::chrono::seconds(2));
  CHECK(rotate(kConsolePassword).status == 200);
}

TEST_CASE("A token with too many requests is slowed down, and is served again later") {
  ConsoleVault vault;
  Program program(vault, vault::Role::Viewer);
  Program other(vault, vault::Role::Viewer);
  int good = 0;
  while (good < 1000 && program.ask("GET", "/api/v1/routes").status == 200) ++good;
  CHECK(good >= 100);
  CHECK(good < 1000);
  CHECK(other.ask("GET", "/api/v1/routes").status == 200);
  vault.pass(std::chrono::seconds(5));
  CHECK(program.ask("GET", "/api/v1/routes").status == 200);
}

TEST_CASE("Each operation requires its scope, and those on the vault a token without patterns") {
  ConsoleVault vault;
  vault.add_mailbox("acme-mail");
  Program reader(vault, vault::Role::Viewer);
  Program worker(vault, vault::Role::Operator);
  Program limited(vault, vault::Role::Administrator, {"acme-*"});
  for (const web::api::Operation& each : web::api::operations()) {
    if (each.open) continue;
    CAPTURE(std::string(each.id));
    const std::string method(each.method), path(each.pattern);
    if (each.scope != vault::Role::Viewer) CHECK(reader.ask(method, path).status == 403);
    if (each.scope == vault::Role::Administrator) CHECK(worker.ask(method, path).status == 403);
    if (each.unlimited) CHECK(limited.ask(method, path).status == 403);
  }
}

TEST_CASE("A token may do with mailboxes and their keys what an account of its role may, and no more") {
  ConsoleVault vault;
  vault.add_mailbox("sales-box");
  Program worker(vault, vault::Role::Operator, {"sales*"});
  const std::string box = "/api/v1/mailboxes/sales-box";
  const std::string password = Json{{"password", kConsolePassword}}.dump();
  CHECK(worker.ask("POST", "/api/v1/mailboxes", new_mailbox("sales-new")).status == 403);
  CHECK(worker.ask("POST", box + "/rotate", password).status == 403);
  CHECK(worker
            .ask("POST", box + "/password",
                 Json{{"password", kConsolePassword}, {"new_password", kConsolePassword}}.dump())
            .status == 403);
  CHECK(worker.json("PATCH", box, 200, R"({"status":"suspended"})")["status"] == "suspended");
  CHECK(worker.ask("DELETE", box).status == 403);
  CHECK(Program(vault, vault::Role::Administrator, {"sales*"}).ask("DELETE", box).status == 204);
}

TEST_CASE("A secret is created for another operation, and has no effect by itself") {
  ConsoleVault vault;
  Program program(vault, vault::Role::Administrator);
  const auto ask = [&](const char* body) {
    return program.json("POST", "/api/v1/secrets", 200, body)["secret"].get<std::string>();
  };
  CHECK(ask(R"({"kind":"password"})") != ask(R"({"kind":"password"})"));
  const std::string text = ask(R"({"kind":"api_token","name":"nagios"})");
  CHECK(text.starts_with("gw_nagios_"));
  program.error("POST", "/api/v1/secrets", 422, R"({"kind":"api_token"})");
  program.error("POST", "/api/v1/secrets", 422, R"({"kind":"password","name":"x"})");
  program.error("POST", "/api/v1/secrets", 422, R"({"kind":"api_token","name":"a/b"})");
  CHECK_FALSE(vault::check_api_token(vault.store, as_bytes(text), gw::now()));
  const auto token = [&](std::string_view name, std::string_view secret) {
    return Json{{"name", name}, {"scope", "read"}, {"token", secret}}.dump();
  };
  program.error("POST", "/api/v1/tokens", 422, token("other", text));
  program.error("POST", "/api/v1/tokens", 422, token("nagios", "gw_nagios_short"));
  CHECK_FALSE(program.json("POST", "/api/v1/tokens", 201, token("nagios", text)).contains("token"));
  CHECK(vault::check_api_token(vault.store, as_bytes(text), gw::now()));
}

TEST_CASE("A limited token sees and creates only objects with a permitted name") {
  ConsoleVault vault;
  vault.add_mailbox("acme-mail");
  const auto other = vault.add_mailbox("other-mail");
  const MessageId id = vault.deliver(other, "Subject: x\r\n\r\ny\r\n");
  Program program(vault, vault::Role::Administrator, {"acme-*"});
  const Json list = program.json("GET", "/api/v1/mailboxes", 200);
  REQUIRE(list["items"].size() == 1);
  CHECK(list["items"][0]["name"] == "acme-mail");
  for (const std::string& name : {std::string("other-mail"), other.id.hex(), "mbx-" + other.id.hex()}) {
    CAPTURE(name);
    program.error("GET", "/api/v1/mailboxes/" + name, 404);
    program.error("PATCH", "/api/v1/mailboxes/" + name, 404, R"({"description":"x"})");
    program.error("GET", "/api/v1/mailboxes/" + name + "/messages", 404);
    program.error("POST", "/api/v1/mailboxes/" + name + "/messages/" + id.hex() + "/open", 404,
                  opening(kConsolePassword, "text"));
    program.error("GET", "/api/v1/events?mailbox=" + name, 404);
  }
  program.error("GET", "/api/v1/events", 403);
  program.error("POST", "/api/v1/mailboxes", 403, new_mailbox("mine"));
  program.error("PATCH", "/api/v1/mailboxes/acme-mail", 403, R"({"name":"mine"})");
  program.error("PATCH", "/api/v1/mailboxes/acme-mail", 403, R"({"aliases":["ceo@other.example"]})");
  program.json("POST", "/api/v1/mailboxes", 201, new_mailbox("acme-new"));
  CHECK(program.json("GET", "/api/v1/status", 200)["mailboxes"] == 2);
  const std::string route = R"("protocol":"smtp","upstream":"mail.example:587","tls":"starttls")";
  program.error("POST", "/api/v1/routes", 403, R"({"name":"work","mailbox":"acme-mail",)" + route + "}");
  program.error("POST", "/api/v1/routes", 404, R"({"name":"acme-r","mailbox":"other-mail",)" + route + "}");
  program.error("POST", "/api/v1/routes", 403,
                R"({"name":"acme-r","mailbox":"acme-mail","allow_private":true,)" + route + "}");
  program.json("POST", "/api/v1/routes", 201, R"({"name":"acme-r","mailbox":"acme-mail",)" + route + "}");
}

TEST_CASE("A body that does not fit its schema is refused with the name of the field") {
  ConsoleVault vault;
  vault.add_mailbox("box");
  Program program(vault, vault::Role::Administrator);
  const std::string box = "/api/v1/mailboxes/box";
  CHECK(program.error("PATCH", box, 400, R"({"quotta":1})") == "bad_request: unknown field `quotta`");
  CHECK(program.error("PATCH", box, 400, R"({"quota":"1"})") ==
        "bad_request: `quota` is not of the type integer");
  CHECK(program.error("PATCH", box, 400, R"({"quota":-1})") == "bad_request: `quota` is less than 0");
  CHECK(program.error("PATCH", box, 400, R"({"status":"gone"})")
            .starts_with("bad_request: `status` is not one of"));
  CHECK(program.error("PATCH", box, 400, R"({"allow":["x",1]})").find("`allow[1]`") != std::string::npos);
  CHECK(program.error("POST", "/api/v1/mailboxes", 400, R"({})") == "bad_request: `name` is missing");
  CHECK(program.error("PATCH", box, 400, R"([])") == "bad_request: the body is not of the type object");
  for (const char* odd : {"{", "nonsense", "{\"quota\":1}}", "{\"quota\":1", "\"", "{\"quota\":1,}"})
    CHECK(program.error("PATCH", box, 400, odd).starts_with("bad_json"));
  CHECK(program.error("PATCH", box, 400, std::string(1000, '[')).starts_with("bad_json"));
  CHECK(program.error("PATCH", box, 400, "{\"p\\u0061ssword\":\"x\"}").starts_with("bad_json"));
  CHECK(program.error("GET", "/api/v1/status", 400, "{}").starts_with("unexpected_body"));
  CHECK(program.error("GET", "/api/v1/events?befor=1", 400) ==
        "unknown_parameter: unknown parameter `befor`");
  program.error("GET", "/api/v1/events?before=x", 422);
  program.error("GET", "/api/v1/events?since=yesterday", 422);
  program.error("PATCH", box, 422, R"({"allow":["nonsense"]})");
  program.error("PATCH", box, 422, R"({"grace":99999999999})");
  program.error("PATCH", box, 422, R"({"receipts":99999999999})");
  program.type = "application/x-www-form-urlencoded";
  CHECK(program.error("PATCH", box, 415, "quota=1").starts_with("unsupported_media_type"));
}

TEST_CASE("The settings for senders and archives are there for each program, in three languages") {
  ConsoleVault vault;
  vault.add_mailbox("acme-mail");
  Program program(vault, vault::Role::Viewer, {"acme-*"});
  const std::string recipes = "/api/v1/mailboxes/acme-mail/recipes";
  const Json all = program.json("GET", recipes, 200)["items"];
  CHECK(all.size() == 12);
  CHECK(all[0]["kind"] == "profile");
  const auto text = [&](const std::string& query) {
    const Json items = program.json("GET", recipes + query, 200)["items"];
    REQUIRE(items.size() == 1);
    return items[0]["text"].get<std::string>();
  };
  CHECK(text("?for=getmail&port=4711&ca_file=/etc/ca.pem").find("port = 4711\n") != std::string::npos);
  CHECK(text("?for=getmail&host=mx.example").find("server = mx.example\n") != std::string::npos);
  CHECK(text("?for=postfix&language=it").find("una copia di ogni messaggio") != std::string::npos);
  CHECK(program.json("GET", recipes + "?kind=sender", 200)["items"].size() == 5);
  program.error("GET", recipes + "?kind=sender&for=getmail", 404);
  program.error("GET", recipes + "?kind=other", 422);
  program.error("GET", recipes + "?language=fr", 422);
  program.error("GET", recipes + "?for=getmail&host=a%0Ab", 422);
  program.error("GET", "/api/v1/mailboxes/other/recipes", 404);
}

TEST_CASE("A token of scope `metrics` gets the metrics, without a session, and nothing else") {
  ConsoleVault vault;
  vault.add_mailbox("journal");
  Program watcher(vault, vault::Scope::Metrics);
  const web::Response numbers = watcher.ask("GET", "/metrics");
  CHECK(numbers.status == 200);
  CHECK(numbers.content_type.starts_with("application/openmetrics-text"));
  CHECK(numbers.body.find("gw_messages{mailbox=\"journal\"") != std::string::npos);
  CHECK(numbers.body.ends_with("# EOF\n"));
  CHECK_FALSE(numbers.headers.has("Set-Cookie"));
  for (const web::api::Operation& each : web::api::operations())
    if (!each.open && each.pattern.find(':') == std::string_view::npos)
      CHECK(watcher.ask(std::string(each.method), std::string(each.pattern)).status == 403);
  CHECK(watcher.ask("POST", "/metrics").status != 200);
  CHECK(watcher.ask("GET", "/").status == 303);

  CHECK(Program(vault, vault::Role::Viewer).ask("GET", "/metrics").status == 200);
  CHECK(Program(vault, vault::Scope::Metrics, {"acme-*"}).ask("GET", "/metrics").status == 403);
  watcher.token = "Bearer gw_test1_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
  CHECK(watcher.ask("GET", "/metrics").status == 401);
  watcher.token.clear();
  CHECK(watcher.ask("GET", "/metrics").status == 401);
}

TEST_CASE("The API cannot remove the last unrestricted account either") {
  ConsoleVault vault;
  Program program(vault, vault::Role::Administrator);
  const std::string account = "/api/v1/accounts/administrator";
  CHECK(program.error("DELETE", account, 409).find("last unrestricted administrator") != std::string::npos);
  // A client of the API has no shell for commands of gw-store.
  CHECK(program.json("DELETE", account, 409)["error"]["hint"] ==
        "first create another account with the role administrator");
  program.error("PATCH", account, 409, R"({"disabled":true})");
  program.error("PATCH", account, 409, R"({"role":"viewer"})");
  program.error("PATCH", account, 409, R"({"only":["a*"]})");
  CHECK(program.json("PATCH", account, 200, R"({"language":"it"})")["language"] == "it");
  vault.add_account("second", vault::Role::Administrator);
  program.json("DELETE", account, 204);
}

TEST_CASE("The status has the last backup and verification, for tokens without patterns") {
  ConsoleVault vault;
  Program program(vault, vault::Role::Viewer);
  CHECK(program.json("GET", "/api/v1/status", 200)["last_verify"].is_null());
  REQUIRE(vault::note_verify(vault.store, {gw::now(), 1, 1, 3}, "test"));
  const Json status = program.json("GET", "/api/v1/status", 200);
  CHECK(status["last_verify"].is_string());
  CHECK(status["last_verify_findings"] == 3);
  CHECK(status["last_backup"].is_null());
  CHECK(status["checkpoint_key"] == vault::verifier_key(vault.history_key, *vault.store.vault_id()));
  Program limited(vault, vault::Role::Viewer, {"acme-*"});
  CHECK(limited.json("GET", "/api/v1/status", 200)["last_verify"].is_null());
}

TEST_CASE("The status lists servers and routes, and for a limited token only the routes that it may see") {
  ConsoleVault vault;
  vault.add_mailbox("acme-mail");
  Program operating(vault, vault::Role::Operator);
  for (const char* name : {"acme-out", "sales-out"})
    operating.json("POST", "/api/v1/routes", 201,
                   Json{{"name", name},
                        {"protocol", "smtp"},
                        {"upstream", "mail.example:587"},
                        {"tls", "starttls"},
                        {"mailbox", "acme-mail"}}
                       .dump());
  for (const char* of : {"smtp", "route sales-out"}) {
    store::ServerStats stats;
    stats.of = of;
    stats.sessions = 2;
    REQUIRE(vault.store.stats(stats));
  }
  const auto names = [](const Json& list) {
    std::vector<std::string> all;
    for (const Json& each : list) all.push_back(each["name"].get<std::string>());
    return all;
  };
  using Names = std::vector<std::string>;
  const Json all = Program(vault, vault::Role::Viewer).json("GET", "/api/v1/status", 200);
  CHECK(names(all["servers"]) == Names{"smtp"});
  CHECK(names(all["routes"]) == Names{"acme-out", "sales-out"});
  CHECK(all["routes"][0]["sessions"] == 0);
  CHECK(all["routes"][1]["sessions"] == 2);
  CHECK_FALSE(all.contains("path"));
  const Json some = Program(vault, vault::Role::Viewer, {"acme-*"}).json("GET", "/api/v1/status", 200);
  CHECK(some["servers"].empty());
  CHECK(names(some["routes"]) == Names{"acme-out"});
}

TEST_CASE("Secrets of a body are read with their escapes and removed from the body") {
  web::Request request;
  request.body = Secret(as_bytes(std::string_view(
      R"({"a":{"password":"kept"},"password" : "q\"\\\u00e9\ud83d\ude00\n","new_password":"x"})")));
  web::api::Secrets secrets;
  const auto body = web::api::read_body(request, secrets);
  REQUIRE(body);
  CHECK(secrets.at("password").text() == "q\"\\\xc3\xa9\xf0\x9f\x98\x80\n");
  CHECK(secrets.at("new_password").text() == "x");
  CHECK((*body)["a"]["password"] == "kept");
  CHECK(trim((*body)["password"].get<std::string>()).empty());
  CHECK(as_text(request.body.view()).find("\\ud83d") == std::string_view::npos);
  for (const char* odd :
       {R"({"password":"\u12"})", R"({"password":"\ud83d"})", R"({"password":"\x"})", R"({"password":"x)"}) {
    request.body = Secret(as_bytes(std::string_view(odd)));
    CHECK_FALSE(web::api::read_body(request, secrets));
  }
}

TEST_CASE(
    "A mailbox is made, changed, opened with its password and removed, and the history names the token") {
  ConsoleVault vault;
  Program program(vault, vault::Role::Administrator);
  const auto secret = [&](const char* kind) {
    return program.json("POST", "/api/v1/secrets", 200, Json{{"kind", kind}}.dump())["secret"]
        .get<std::string>();
  };
  const std::string password = secret("password");
  CHECK(password.size() == 32);
  const std::string token = secret("sender_token");
  const std::string wanted = Json{{"name", "box"}, {"password", password}, {"token", token}}.dump();
  const web::Response made = program.ask("POST", "/api/v1/mailboxes", wanted);
  CHECK(made.status == 201);
  CHECK_FALSE(shows(made, password));
  CHECK(program.error("POST", "/api/v1/mailboxes", 409, wanted).starts_with("exists"));
  const auto mailbox = vault::find_mailbox(vault.store, "box").value();
  CHECK(vault::token_matches(mailbox, as_bytes(token)));
  const MessageId id = vault.deliver(mailbox, "Subject: caf\xc3\xa9\r\nFrom: a@b.example\r\n\r\nText\r\n");
  const std::string messages = "/api/v1/mailboxes/box/messages";
  const Json list = program.json("GET", messages, 200);
  REQUIRE(list["items"].size() == 1);
  CHECK(list["items"][0]["id"] == id.hex());
  CHECK(program.json("GET", messages + "/" + id.hex(), 200)["octets"] == list["items"][0]["octets"]);
  program.error("GET", messages + "/nonsense", 404);

  const std::string open = messages + "/" + id.hex() + "/open";
  const Json text = program.json("POST", open, 200, opening(password, "text"));
  CHECK(text["text"] == "Text\r\n");
  CHECK(program.json("POST", open, 200, opening(password, "envelope"))["mail_from"] == "sender@example.org");
  CHECK(program.json("POST", open, 200, opening(password, "journal"))["is_journal_report"] == false);
  CHECK(program.json("POST", open, 200, opening(password, "headers"))["headers"].get<std::string>().find(
            "Text") == std::string::npos);
  const web::Response eml = program.ask("POST", open, opening(password, "eml"));
  REQUIRE(eml.stream);
  std::string data;
  CHECK(eml.stream([&](ByteView piece) {
    data += as_text(piece);
    return true;
  }));
  CHECK(data.ends_with("\r\n\r\nText\r\n"));
  CHECK(eml.content_type == "message/rfc822");

  // The history names each reader, as for the console.
  std::vector<std::string> seen;
  const Json exported = program.json("GET", "/api/v1/events?mailbox=box&type=exported", 200);
  for (const Json& each : exported["items"]) seen.push_back(each["actor"].get<std::string>());
  REQUIRE(seen.size() == 5);
  CHECK(seen.front().ends_with(" from 192.0.2.8, downloaded"));
  CHECK(seen.back().ends_with(" from 192.0.2.8, shown"));
  CHECK(exported["items"].back()["object"].is_null());
  CHECK(exported["items"].back()["change"] == "shown");

  // Nothing changes by a password that the caller does not have.
  program.error("POST", "/api/v1/mailboxes/box/password", 400, Json{{"password", password}}.dump());
  const std::string second = secret("password");
  program.json("POST", open, 200, opening(password, "text"));
  program.json("POST", "/api/v1/mailboxes/box/password", 204,
               Json{{"password", password}, {"new_password", second}}.dump());
  program.error("POST", open, 403, opening(password, "text"));
  web::Response last = program.ask("POST", open, opening(password, "text"));
  for (int i = 0; i < 10 && last.status == 403; ++i)
    last = program.ask("POST", open, opening(password, "text"));
  CHECK(last.status == 429);
  CHECK(shows(last, "\"rate_limited\""));
  Program(vault, vault::Role::Viewer).json("POST", open, 200, opening(second, "text"));
  vault.pass(std::chrono::seconds(10));
  program.json("POST", open, 200, opening(second, "text"));
  CHECK(program.json("POST", "/api/v1/mailboxes/box/rotate", 200,
                     Json{{"password", second}}.dump())["generation"] == 2);

  CHECK(program.error("DELETE", "/api/v1/mailboxes/box", 409).starts_with("conflict"));
  CHECK(program.json("PATCH", "/api/v1/mailboxes/box", 200, R"({"status":"suspended"})")["status"] ==
        "suspended");
  const auto change = [&](const char* word) {
    const std::string body = Json{{"change", word}, {"ids", {id.hex()}}}.dump();
    return program.json("POST", messages + "/change", 200, body)["items"][0]["result"].get<std::string>();
  };
  CHECK(change("quarantine") == "ok");
  CHECK(change("undelete") == "ok");
  CHECK(change("remove") == "ok");
  CHECK(change("undelete") == "failed");
  CHECK(program.ask("DELETE", "/api/v1/mailboxes/box").status == 204);
  const Json events = program.json("GET", "/api/v1/events?type=mailbox-removed", 200);
  REQUIRE(events["items"].size() == 1);
  CHECK(events["items"][0]["actor"].get<std::string>().starts_with("api test"));
  CHECK(events["items"][0]["object"] == "mailbox box");
  CHECK(events["items"][0]["change"] == "removed");
}

TEST_CASE("Lists have pages, which `next` continues") {
  ConsoleVault vault;
  const auto mailbox = vault.add_mailbox("box");
  for (int i = 0; i < 5; ++i) vault.deliver(mailbox, "Subject: x\r\n\r\ny\r\n");
  Program program(vault, vault::Role::Viewer);
  std::set<std::string> seen;
  std::string after = "0";
  for (int pages = 0; pages < 10; ++pages) {
    const Json page = program.json("GET", "/api/v1/mailboxes/box/messages?limit=2&after=" + after, 200);
    for (const Json& each : page["items"]) CHECK(seen.insert(each["id"].get<std::string>()).second);
    if (page["next"].is_null()) break;
    after = page["next"].dump();
  }
  CHECK(seen.size() == 5);
  const Json last = program.json("GET", "/api/v1/events?mailbox=box&limit=1", 200);
  CHECK(last["items"].size() == 1);
  CHECK(last["next"] == last["items"][0]["seq"]);
  // A page of no items would have a `next` that never ends.
  for (const std::string list : {"/api/v1/mailboxes/box/messages", "/api/v1/events"})
    for (const std::string limit : {"0", "1001", "x"})
      CHECK(program.ask("GET", list + "?limit=" + limit).status == 422);
}

TEST_CASE("Without a keeper the API reports that, and continues when there is one") {
  ConsoleVault vault;
  Program program(vault, vault::Role::Viewer);
  vault.away = true;
  const web::Response away = program.ask("GET", "/api/v1/status");
  CHECK(away.status == 503);
  CHECK(away.headers.has("Retry-After"));
  vault.away = false;
  CHECK(program.ask("GET", "/api/v1/status").status == 200);
}

TEST_CASE("The document and the table have the same operations") {
  const Json& document = web::api::document();
  std::size_t described = 0;
  for (const auto& path : document["paths"].items()) described += path.value().size();
  CHECK(described == web::api::operations().size());
  std::set<std::string> ids;
  for (const web::api::Operation& each : web::api::operations()) {
    CAPTURE(std::string(each.id));
    CHECK(ids.insert(std::string(each.id)).second);
    std::string path(each.pattern);
    for (std::size_t at; (at = path.find(':')) != std::string::npos;) {
      const std::size_t end = std::min(path.find('/', at), path.size());
      path = path.substr(0, at) + "{" + path.substr(at + 1, end - at - 1) + "}" + path.substr(end);
    }
    REQUIRE(document["paths"].contains(path));
    CHECK(document["paths"][path][lower(each.method)]["operationId"] == each.id);
    for (const std::string_view schema : {each.request, each.answer}) {
      std::string name(schema);
      std::erase_if(name, [](char c) { return c == '[' || c == ']'; });
      if (!name.empty()) CHECK(web::api::schemas().contains(name));
    }
  }
}

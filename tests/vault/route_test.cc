#include "vault/route.h"

#include <catch2/catch.hpp>

#include "vault/fixture.h"

namespace gw::vault::test {
namespace {

Route some_route(std::string name = "mail") {
  Route route;
  route.name = std::move(name);
  route.host = "smtp.example.com";
  route.port = 587;
  route.mailbox = random_id<MailboxId>();
  return route;
}

// The field that is wrong; empty if the route is valid.
std::string wrong_field(const Route& route) {
  const auto wrong = check_route(route);
  if (wrong) CHECK(wrong->error.code() == Code::BadInput);
  return wrong ? std::string(wrong->field) : std::string();
}

TEST_CASE("a route is read as it was stored, and the vault's history has a leaf of each change") {
  Vault vault;
  Route route = some_route();
  route.description = "Büro";
  route.protocol = Protocol::Pop3;
  route.host = "2001:db8::1";
  route.port = 995;
  route.tls = UpstreamTls::Implicit;
  route.ca_file = "/etc/ssl/own.pem";
  route.pin = sha256(as_bytes("certificate"));
  route.map = {{"*@sales.example", random_id<MailboxId>()}, {"boss", random_id<MailboxId>()}};
  route.logins = {"*@example.com"};
  route.allow_private = true;
  route.on_copy_failure = OnCopyFailure::Pass;
  route.uncopied_delete = UncopiedDelete::Refuse;
  const std::uint64_t before = vault.store->history_head({}).value().size;
  REQUIRE(put_route(*vault.store, route, "test"));
  const Route read = find_route(*vault.store, "mail").value();
  CHECK(encode(read) == encode(route));
  CHECK(read.upstream() == "[2001:db8::1]:995");
  CHECK(read.map[0].mailbox == route.map[0].mailbox);
  CHECK(read.version != 0);
  CHECK(read.unknown.empty());
  REQUIRE(remove_route(*vault.store, read, "test"));
  CHECK(find_route(*vault.store, "mail").error().code() == Code::NotFound);
  const auto leaves = vault.store->history_read({}, before, 10).value();
  REQUIRE(leaves.size() == 2);
  for (const Bytes& leaf : leaves) CHECK(store::decode_leaf(leaf).value().type == store::LeafType::Route);
}

TEST_CASE("one of two changes of the same route is a Conflict, and a name is used once") {
  Vault vault;
  REQUIRE(put_route(*vault.store, some_route(), "test"));
  CHECK(put_route(*vault.store, some_route(), "test").error().code() == Code::Exists);
  Route one = find_route(*vault.store, "mail").value();
  Route other = one;
  one.port = 465;
  other.port = 25;
  REQUIRE(put_route(*vault.store, one, "test"));
  CHECK(put_route(*vault.store, other, "test").error().code() == Code::Conflict);
  CHECK(remove_route(*vault.store, other, "test").error().code() == Code::Conflict);
  CHECK(find_route(*vault.store, "mail").value().port == 465);
}

TEST_CASE("the history says which route was changed, and how") {
  Vault vault;
  const auto last = [&] {
    const std::uint64_t size = vault.store->history_head({}).value().size;
    return store::decode_leaf(vault.store->history_read({}, size - 1, 1).value().front()).value().actor;
  };
  Route route = some_route();
  route.mailbox = vault.mailbox("sales").record.id;
  REQUIRE(put_route(*vault.store, route, "test"));
  CHECK(last() ==
        "test, route mail: added, smtp, upstream smtp.example.com:587, tls starttls, mailbox sales");
  route = find_route(*vault.store, "mail").value();
  route.port = 465;
  route.tls = UpstreamTls::Implicit;
  route.mailbox = vault.mailbox("board").record.id;
  route.logins = {"*@example.com"};
  REQUIRE(put_route(*vault.store, route, "test"));
  CHECK(last() ==
        "test, route mail: upstream smtp.example.com:587 -> smtp.example.com:465, tls starttls -> implicit, "
        "mailbox sales -> board, logins +*@example.com");
  REQUIRE(remove_route(*vault.store, find_route(*vault.store, "mail").value(), "test"));
  CHECK(last() == "test, route mail: removed, upstream smtp.example.com:465");
}

TEST_CASE("all routes are listed by name, however many") {
  Vault vault;
  for (int i = 0; i < 250; ++i) REQUIRE(put_route(*vault.store, some_route("r" + std::to_string(i)), "test"));
  const std::vector<Route> all = routes(*vault.store).value();
  REQUIRE(all.size() == 250);
  CHECK(std::ranges::is_sorted(all, {}, &Route::name));
}

TEST_CASE("fields of a newer version are kept when an older version changes a route") {
  Bytes stored = encode(some_route());
  append(stored, as_bytes("\xfa\x3f\x03new"));  // field 1023
  Route route = decode_route({{store::Kind::Route, {}, "mail"}, stored, 1}).value();
  CHECK_FALSE(route.unknown.empty());
  route.port = 465;
  const Bytes again = encode(route);
  CHECK(as_text(again).find("new") != std::string_view::npos);
  CHECK(decode_route({{store::Kind::Route, {}, "mail"}, again, 1}).value().port == 465);
}

TEST_CASE("a record that is not a route is Corrupt") {
  CHECK(decode_route({{store::Kind::Route, {}, "mail"}, to_bytes("\xff\xff"), 1}).error().code() ==
        Code::Corrupt);
  CHECK(decode_route({{store::Kind::Route, {}, "mail"}, {}, 1}).error().code() == Code::Corrupt);
}

TEST_CASE("an invalid route is refused with the name of its field") {
  CHECK(wrong_field(some_route()) == "");
  Route route = some_route();
  std::string field;
  SECTION("a name that means all routes") {
    field = "name";
    route.name = GENERATE("smtp", "pop3s", "submission", "A", "");
  }
  SECTION("a host") {
    field = "upstream";
    route.host = GENERATE("", "a b", "192.0.2.0/24", "[::1]", "x:1");
  }
  SECTION("no port") {
    field = "upstream";
    route.port = 0;
  }
  SECTION("no mailbox at all") {
    field = "mailbox";
    route.mailbox = {};
  }
  SECTION("an empty pattern") {
    field = "map";
    route.map = {{"", random_id<MailboxId>()}};
  }
  SECTION("a rule without a mailbox") {
    field = "map";
    route.map = {{"*", {}}};
  }
  SECTION("a client that is not an address block") {
    field = "clients";
    route.clients = {"192.0.2.0/33"};
  }
  SECTION("clients without AUTH at POP3") {
    field = "clients";
    route.protocol = Protocol::Pop3;
    route.clients = {"192.0.2.0/24"};
  }
  SECTION("clients without a mailbox of the route") {
    field = "mailbox";
    route.map = {{"*", route.mailbox}};
    route.mailbox = {};
    route.clients = {"192.0.2.0/24"};
  }
  SECTION("a pin without TLS") {
    field = "pin";
    route.tls = UpstreamTls::None;
    route.pin = Digest{};
  }
  SECTION("a CA file with a relative path") {
    field = "ca";
    route.ca_file = "own.pem";
  }
  SECTION("a CA file without TLS") {
    field = "ca";
    route.tls = UpstreamTls::None;
    route.ca_file = "/etc/own.pem";
  }
  SECTION("a long description") {
    field = "description";
    route.description = std::string(1025, 'x');
  }
  SECTION("too many logins") {
    field = "logins";
    route.logins.assign(1001, "*");
  }
  SECTION("a login pattern with a control character") {
    field = "logins";
    route.logins = {"a\nb"};
  }
  CHECK(wrong_field(route) == field);
  CHECK(put_route(*Vault().store, route, "test").error().code() == Code::BadInput);
}

TEST_CASE("an upstream is a host and a port") {
  const auto parsed = [](std::string_view text) {
    const auto found = parse_upstream(text);
    return found ? found->host + " " + std::to_string(found->port) : "none";
  };
  CHECK(parsed("smtp.example.com:587") == "smtp.example.com 587");
  CHECK(parsed("localhost:1") == "localhost 1");
  CHECK(parsed("192.0.2.1:25") == "192.0.2.1 25");
  CHECK(parsed("[2001:db8::1]:465") == "2001:db8::1 465");
  for (const char* wrong : {"", "host", "host:", ":25", "host:0", "host:65536", "2001:db8::1:25", "[host]:25",
                            "[]:25", "ho st:25", "host:25x"}) {
    INFO(wrong);
    CHECK(parsed(wrong) == "none");
  }
}

TEST_CASE(
    "copies are kept in the mailbox of the first rule that matches a login, else in that of the route") {
  Route route = some_route();
  const MailboxId sales = random_id<MailboxId>(), all = random_id<MailboxId>();
  route.map = {{"*@sales.example", sales}, {"a*c*@example.com", all}};
  CHECK(mailbox_of(route, "jo@Sales.Example") == sales);
  CHECK(mailbox_of(route, "abc@example.com") == all);
  CHECK(mailbox_of(route, "ac-c@example.com") == all);
  CHECK(mailbox_of(route, "ab@example.com") == route.mailbox);
  CHECK(mailbox_of(route, "jo@sales.example.net") == route.mailbox);
  CHECK(mailbox_of(route, "") == route.mailbox);
  route.mailbox = {};
  CHECK_FALSE(mailbox_of(route, "ab@example.com"));
  CHECK_FALSE(may_login(route, "ab@example.com"));
  CHECK(may_login(route, "jo@sales.example"));
  route.logins = {"jo@*", "*@x"};
  CHECK(may_login(route, "JO@sales.example"));
  CHECK_FALSE(may_login(route, "bo@sales.example"));
}

TEST_CASE("on a listener of several routes the login names one after its last #") {
  std::vector<Route> all{some_route("one"), some_route("two")};
  Chosen chosen = choose_route(all, Protocol::Smtp, "a#b@example.com#two");
  REQUIRE(chosen.route != nullptr);
  CHECK(chosen.route->name == "two");
  CHECK(chosen.login == "a#b@example.com");
  CHECK(choose_route(all, Protocol::Smtp, "a@example.com").route == nullptr);
  CHECK(choose_route(all, Protocol::Smtp, "a#three").route == nullptr);
  CHECK(choose_route(all, Protocol::Pop3, "a#two").route == nullptr);
  all.pop_back();
  chosen = choose_route(all, Protocol::Smtp, "a#three");
  REQUIRE(chosen.route != nullptr);
  CHECK(chosen.login == "a#three");
}

}  // namespace
}  // namespace gw::vault::test

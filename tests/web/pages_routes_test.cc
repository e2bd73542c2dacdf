// The pages on routes: what is shown, who may change what, and what a test of a route connects to.
#include <catch2/catch.hpp>

#include "vault/route.h"
#include "web/browser.h"

using namespace gw;
using namespace gw::test;

namespace {

Form route_form(const std::string& name, const std::string& mailbox) {
  return {{"name", name},
          {"protocol", "smtp"},
          {"upstream", "mail.example:587"},
          {"tls", "starttls"},
          {"mailbox", mailbox},
          {"map", "*@sales.example=" + mailbox + "\r\n"},
          {"logins", "*@example\r\n\r\n"},
          {"clients", ""},
          {"on_copy_failure", "pass"},
          {"uncopied_delete", "copy"}};
}

std::string version_in(const web::Response& page) {
  constexpr std::string_view kField = "name=\"version\" value=\"";
  const std::size_t at = page.body.find(kField);
  REQUIRE(at != std::string::npos);
  return page.body.substr(at + kField.size(), page.body.find('"', at + kField.size()) - at - kField.size());
}

}  // namespace

TEST_CASE("An operator creates, changes and removes a route, and the history names the account") {
  ConsoleVault vault;
  const auto mailbox = vault.add_mailbox("journal");
  Browser browser(vault);
  browser.sign_in("operator");
  CHECK(shows(browser.get("/routes"), "There is no route yet"));
  browser.get("/new-route");
  const web::Response made = browser.post("/new-route", route_form("work", "journal"));
  CHECK(made.status == 303);
  CHECK(location(made) == "/routes/work?done=saved");
  vault::Route route = vault::find_route(vault.store, "work").value();
  CHECK(route.host == "mail.example");
  CHECK(route.mailbox == mailbox.id);
  CHECK(route.map.at(0).pattern == "*@sales.example");
  CHECK(route.logins == std::vector<std::string>{"*@example"});
  CHECK(route.on_copy_failure == vault::OnCopyFailure::Pass);
  CHECK_FALSE(route.allow_private);

  store::ServerStats stats;
  stats.of = "route work";
  stats.sessions = 3;
  stats.uncopied = 2;
  stats.trouble = "no room <there>";
  stats.trouble_time = now();
  REQUIRE(vault.store.stats(stats));
  const web::Response list = browser.get("/routes");
  CHECK(shows(list, "mail.example:587"));
  CHECK(shows(list, "no room &lt;there&gt;"));
  CHECK(shows(browser.get("/routes/work"), "no room &lt;there&gt;"));

  const web::Response edit = browser.get("/routes/work/edit");
  CHECK(shows(edit, "value=\"mail.example:587\""));
  CHECK(shows(edit, "*@sales.example=journal"));
  Form form = route_form("work", "journal");
  form[2].second = "other.example:465";
  form.emplace_back("version", version_in(edit));
  CHECK(browser.post("/routes/work/edit", form).status == 303);
  CHECK(vault::find_route(vault.store, "work").value().host == "other.example");
  // The form of before is of no use any longer: somebody would lose his change.
  CHECK(browser.post("/routes/work/edit", form).status == 409);

  const web::Response question = browser.get("/routes/work/remove");
  CHECK(shows(question, "Remove work?"));
  CHECK(browser.post("/routes/work/remove", {{"version", version_in(question)}}).status == 303);
  CHECK(vault::find_route(vault.store, "work").error().code() == Code::NotFound);
  const web::Response events = browser.get("/events?type=route");
  CHECK(shows(events, "console operator from 192.0.2.7"));
}

TEST_CASE("An invalid route is refused at its field, and nothing is changed") {
  ConsoleVault vault;
  vault.add_mailbox("journal");
  Browser browser(vault);
  browser.sign_in("operator");
  browser.get("/new-route");
  for (const auto& [at, value, said] : std::vector<std::tuple<std::size_t, std::string, std::string>>{
           {2, "mail.example", "“mail.example” does not have the form HOST:PORT"},
           {4, "nobody", "There is no mailbox “nobody”"},
           {4, "", "field-mailbox-wrong"},
           {5, "*@sales.example", "does not have the form PATTERN=MAILBOX"},
           {7, "foo", "field-clients-wrong"},
           {6, std::string(321, 'x'), "field-logins-wrong"},
           {0, "smtp", "is reserved"},
           {0, "A b", "“A b” is not a valid name"}}) {
    Form form = route_form("work", "journal");
    form[at].second = value;
    if (at == 4 && value.empty()) form[5].second.clear();
    const web::Response refused = browser.post("/new-route", form);
    CAPTURE(value);
    CHECK(refused.status == 422);
    CHECK(shows(refused, said));
    CHECK(shows(refused, "Nothing was changed"));
  }
  CHECK(vault::routes(vault.store).value().empty());
}

TEST_CASE("An invalid route and a failed test of a route are explained in the reader's language") {
  ConsoleVault vault;
  vault.add_mailbox("journal");
  Browser browser(vault);
  browser.sign_in("operator");
  REQUIRE(browser.post("/account/language", {{"language", "de"}}).status == 303);
  browser.get("/new-route");
  Form form = route_form("work", "journal");
  form[7].second = "foo";
  const web::Response refused = browser.post("/new-route", form);
  CHECK(refused.status == 422);
  CHECK(shows(refused, "„foo“ ist weder eine IP-Adresse noch ein CIDR-Block."));
  form[7].second = "";
  form[2].second = "127.0.0.1:1";
  REQUIRE(browser.post("/new-route", form).status == 303);
  const web::Response tested = browser.post("/routes/work/test", {});
  CHECK(shows(tested, "Der Server hat eine private oder lokale Adresse"));
  // The original is there as well, for whoever has to search for it.
  CHECK(shows(tested, "<summary>Einzelheiten</summary>"));
}

TEST_CASE("A viewer sees routes and changes none; a limited account sees only its own") {
  ConsoleVault vault;
  vault.add_mailbox("acme-mail");
  vault.add_mailbox("other-mail");
  vault.add_account("acme", vault::Role::Operator, {"acme-*"});
  Browser all(vault);
  all.sign_in("operator");
  all.get("/new-route");
  REQUIRE(all.post("/new-route", route_form("acme-work", "other-mail")).status == 303);
  REQUIRE(all.post("/new-route", route_form("secret", "other-mail")).status == 303);

  Browser viewer(vault);
  viewer.sign_in("viewer");
  CHECK(shows(viewer.get("/routes"), "secret"));
  CHECK_FALSE(shows(viewer.get("/routes/secret"), "/routes/secret/test"));
  CHECK(viewer.get("/routes/secret/edit").status == 403);
  CHECK(viewer.post("/routes/secret/test", {}).status == 403);

  Browser limited(vault);
  limited.sign_in("acme");
  const web::Response list = limited.get("/routes");
  CHECK(shows(list, "acme-work"));
  CHECK_FALSE(shows(list, "secret"));
  CHECK(limited.get("/routes/secret").status == 404);
  CHECK(limited.post("/routes/secret/test", {}).status == 404);
  // Nor does it learn the name of a mailbox that is not its own, or take one.
  const web::Response edit = limited.get("/routes/acme-work/edit");
  CHECK_FALSE(shows(edit, "other-mail"));
  CHECK(limited.post("/new-route", route_form("mine", "acme-mail")).status == 422);
  CHECK(limited.post("/new-route", route_form("acme-new", "other-mail")).status == 422);
  // It cannot open this network to itself.
  Form form = route_form("acme-new", "acme-mail");
  form.emplace_back("allow_private", "yes");
  form.emplace_back("ca", "/etc/passwd");
  REQUIRE(limited.post("/new-route", form).status == 303);
  const vault::Route made = vault::find_route(vault.store, "acme-new").value();
  CHECK_FALSE(made.allow_private);
  CHECK(made.ca_file.empty());
}

TEST_CASE("A test of a route connects only to its upstream, and to a private address only if permitted") {
  ConsoleVault vault;
  vault.add_mailbox("journal");
  Browser browser(vault);
  browser.sign_in("operator");
  browser.get("/new-route");
  Form form = route_form("work", "journal");
  form[2].second = "127.0.0.1:1";
  REQUIRE(browser.post("/new-route", form).status == 303);
  const web::Response tested =
      browser.post("/routes/work/test", {{"upstream", "192.0.2.99:25"}, {"host", "192.0.2.99"}});
  CHECK(tested.status == 200);
  CHECK(shows(tested, "gw-proxy cannot use this server"));
  CHECK(shows(tested, "127.0.0.1"));
  CHECK_FALSE(shows(tested, "192.0.2.99"));
}

// The pages on mailboxes.
#include <catch2/catch.hpp>
#include <regex>

#include "vault/mailbox_settings.h"
#include "web/browser.h"

using namespace gw;
using namespace gw::test;
using namespace std::literals;

namespace {

store::MailboxRecord record_of(ConsoleVault& vault, const std::string& name) {
  const auto found = vault::find_mailbox(vault.store, name);
  REQUIRE(found);
  return *found;
}

bool is_there(ConsoleVault& vault, const std::string& name) {
  return vault::find_mailbox(vault.store, name).has_value();
}

store::Leaf last_leaf(ConsoleVault& vault, const MailboxId& log) {
  const auto head = vault.store.history_head(log);
  REQUIRE(head);
  const auto leaves = vault.store.history_read(log, head->size - 1, 1);
  REQUIRE(leaves);
  return *store::decode_leaf(leaves->front());
}

// What stands between the two in the page.
std::string between(const web::Response& page, std::string_view before, std::string_view after) {
  const std::size_t at = page.body.find(before);
  REQUIRE(at != std::string::npos);
  const std::size_t from = at + before.size();
  return page.body.substr(from, page.body.find(after, from) - from);
}

Form fields(std::string name) {
  return {{"name", std::move(name)}, {"grace", "1"}, {"trace", "auto"}};
}

Form settings_of(const store::MailboxRecord& record, Form more = {}) {
  Form form{{"version", std::to_string(record.version)}, {"grace", "1"}, {"trace", "auto"}};
  form.insert(form.end(), more.begin(), more.end());
  if (std::ranges::none_of(more, [](const auto& each) { return each.first == "name"; }))
    form.emplace_back("name", record.name);
  return form;
}

constexpr std::string_view kSecret = "class=\"secret\"><span class=\"copyable\"><code>";

}  // namespace

TEST_CASE("An empty vault shows the next step to accounts that may do it") {
  ConsoleVault vault;
  Browser administrator(vault), viewer(vault);
  administrator.sign_in("administrator");
  viewer.sign_in("viewer");
  CHECK(shows(administrator.get("/mailboxes"), "href=\"/new-mailbox\""));
  const web::Response page = viewer.get("/mailboxes");
  CHECK(shows(page, "There is no mailbox yet."));
  CHECK_FALSE(shows(page, "/new-mailbox"));
}

TEST_CASE("The password of a mailbox is shown once, and then the mailbox is created") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.sign_in("administrator");
  browser.get("/new-mailbox");
  Form form = fields("journal");
  form.insert(form.end(), {{"description", "Everything <all>"},
                           {"aliases", "a@b.example\r\nC@d.example"},
                           {"allow", "192.0.2.0/24, ::1"},
                           {"quota", "10 GiB"},
                           {"smtp_auth", "yes"}});
  const web::Response page = browser.post("/new-mailbox", form);
  REQUIRE(page.status == 200);
  CHECK(page.secret);
  const std::string token = between(page, kSecret, "<");
  // The last secret of the page is the password.
  const std::size_t at = page.body.rfind(kSecret) + kSecret.size();
  const std::string shown = page.body.substr(at, page.body.find('<', at) - at);
  CHECK(shows(page, "I have saved it in a safe place."));
  // Nothing is made before both are said to be kept; what was shown stays.
  CHECK_FALSE(is_there(vault, "journal"));
  form.insert(form.end(), {{"password", shown}, {"token", token}, {"token-kept", "yes"}});
  const web::Response not_kept = browser.post("/new-mailbox", form);
  CHECK(not_kept.status == 400);
  CHECK(shows(not_kept, shown));
  CHECK(shows(not_kept, token));
  CHECK_FALSE(is_there(vault, "journal"));
  form.emplace_back("password-kept", "yes");
  CHECK(location(browser.post("/new-mailbox", form)) == "/mailboxes/journal?done=mailbox-made");
  const store::MailboxRecord record = record_of(vault, "journal");
  CHECK(record.aliases == std::vector<std::string>{"a@b.example", "c@d.example"});
  CHECK(record.allow == std::vector<std::string>{"192.0.2.0/24", "::1"});
  CHECK(record.quota == 10ull << 30);
  CHECK(record.grace == 86'400);
  CHECK(record.receipts == store::kReceipts);
  CHECK(record.token_hash);
  CHECK(last_leaf(vault, record.id).actor.find("console administrator from 192.0.2.7") != std::string::npos);
  CHECK(vault::token_matches(record, as_bytes(token)));
  CHECK(vault::unlock(vault.store, record, Secret(as_bytes(shown))));
  CHECK(shows(browser.get("/mailboxes/journal"), "mbx-" + record.id.hex() + "@gw.example"));
  const web::Response setup = browser.get("/mailboxes/journal/setup");
  CHECK(shows(setup, "SimplePOP3SSLRetriever"));
  CHECK(shows(setup, "<code>New-SendConnector"));
  CHECK(shows(setup, "New-JournalRule"));
  // A guide is a list of steps; only its commands are to be copied.
  CHECK(shows(setup, "<ol><li>Exchange admin center &gt; Mail flow"));
  CHECK(shows(setup, "<ul><li>Connection from: Office 365</li>"));
  CHECK(shows(setup, "<code>gw-store mailbox set journal --allow"));
  // Nowhere else.
  for (const char* path : {"/mailboxes", "/mailboxes/journal", "/mailboxes/journal/setup"}) {
    const web::Response other = browser.get(path);
    CHECK(other.status == 200);
    CHECK_FALSE(shows(other, shown));
    CHECK_FALSE(shows(other, "<all>"));
  }
  CHECK(shows(browser.get("/mailboxes"), "Everything &lt;all&gt;"));
}

TEST_CASE("An invalid setting is refused beside its field, and the typed values stay") {
  ConsoleVault vault;
  vault.add_mailbox("other");
  Browser browser(vault);
  browser.sign_in("administrator");
  browser.get("/new-mailbox");
  const auto refused = [&](std::string name, const Form& more) {
    Form form = fields(std::move(name));
    for (const auto& said : more) {
      std::erase_if(form, [&](const auto& each) { return each.first == said.first; });
      form.push_back(said);
    }
    const web::Response page = browser.post("/new-mailbox", form);
    CHECK(page.status == 400);
    CHECK(shows(page, "aria-invalid"));
    return page;
  };
  CHECK(shows(refused("Upper\"><script>", {}), "value=\"Upper&quot;&gt;&lt;script&gt;\""));
  CHECK(shows(refused("other", {}), "A mailbox of this name exists already."));
  CHECK(shows(refused("x", {{"aliases", "fine@b.example no-at"}}), "no-at”"));
  refused("x", {{"domains", "@"}});
  refused("x", {{"allow", "192.0.2.0/33"}});
  refused("x", {{"quota", "much"}});
  refused("x", {{"grace", "soon"}});
  refused("x", {{"grace", "99999"}});
  refused("x", {{"grace", ""}});
  refused("x", {{"receipts", "soon"}});
  refused("x", {{"receipts", "99999"}});
  refused("x", {{"description", std::string(2000, 'd')}});
  refused("x\r\nSet-Cookie: a=b", {});
  refused("", {});
  CHECK_FALSE(is_there(vault, "x"));
}

TEST_CASE("Only accounts with the right role create, change and remove mailboxes") {
  ConsoleVault vault;
  const store::MailboxRecord record = vault.add_mailbox("journal");
  for (const std::string role : {"viewer", "operator"}) {
    CAPTURE(role);
    Browser browser(vault);
    browser.sign_in(role);
    CHECK(browser.get("/mailboxes/journal").status == 200);
    CHECK(browser.get("/new-mailbox").status == 403);
    CHECK(browser.post("/new-mailbox", fields("mine")).status == 403);
    for (const char* page : {"password", "rotate", "remove"}) {
      CHECK(browser.get("/mailboxes/journal/"s + page).status == 403);
      CHECK(browser.post("/mailboxes/journal/"s + page, {{"typed", "journal"}}).status == 403);
    }
    const int expected = role == "viewer" ? 403 : 303;
    CHECK(browser.post("/mailboxes/journal/change", {{"change", "hold"}}).status == expected);
    CHECK(browser.post("/mailboxes/journal/settings", settings_of(record_of(vault, "journal"))).status ==
          expected);
  }
  CHECK_FALSE(is_there(vault, "mine"));
  CHECK(is_there(vault, "journal"));
}

TEST_CASE("A limited account sees, creates and renames only its own mailboxes") {
  ConsoleVault vault;
  vault.add_mailbox("acme-journal");
  const store::MailboxRecord other = vault.add_mailbox("other");
  vault.add_account("acme", vault::Role::Administrator, {"acme-*"});
  Browser browser(vault);
  browser.sign_in("acme");
  const web::Response list = browser.get("/mailboxes");
  CHECK(shows(list, "acme-journal"));
  CHECK_FALSE(shows(list, "/mailboxes/other"));
  for (const char* page : {"", "/setup", "/settings", "/password", "/rotate", "/remove", "/messages"}) {
    CHECK(browser.get("/mailboxes/other"s + page).status == 404);
    CHECK(browser.get("/mailboxes/" + other.id.hex() + page).status == 404);
  }
  CHECK(browser.post("/mailboxes/other/change", {{"change", "suspend"}}).status == 404);
  CHECK(browser.post("/mailboxes/other/remove", {{"typed", "other"}}).status == 404);
  CHECK(browser.post("/new-mailbox", fields("mine")).status == 400);
  CHECK_FALSE(is_there(vault, "mine"));
  CHECK(browser
            .post("/mailboxes/acme-journal/settings",
                  settings_of(record_of(vault, "acme-journal"), {{"name", "elsewhere"}}))
            .status == 400);
  CHECK(is_there(vault, "acme-journal"));

  // Nor does it draw the mail of others by an address that nobody has yet.
  Form form = fields("acme-two");
  form.insert(form.end(), {{"aliases", "ceo@other.example"}, {"domains", "other.example"}});
  form.insert(form.end(), {{"password", std::string(kConsolePassword)}, {"password-kept", "yes"}});
  CHECK(browser.post("/new-mailbox", form).status == 303);
  CHECK(record_of(vault, "acme-two").aliases.empty());
  CHECK(record_of(vault, "acme-two").domains.empty());
}

TEST_CASE("Settings are changed as shown, and the history names the account") {
  ConsoleVault vault;
  vault.add_mailbox("journal");
  Browser browser(vault);
  browser.sign_in("operator");
  CHECK(browser.get("/mailboxes/journal/settings").status == 200);
  const store::MailboxRecord before = record_of(vault, "journal");
  const Form form = settings_of(before, {{"quota", "5 MiB"},
                                         {"receipts", "30"},
                                         {"allow", "192.0.2.1"},
                                         {"allow_reject", "yes"},
                                         {"require_tls", "yes"},
                                         {"description", "New"}});
  const web::Response done = browser.post("/mailboxes/journal/settings", form);
  CHECK(done.status == 303);
  CHECK(location(done) == "/mailboxes/journal?done=saved");
  const store::MailboxRecord after = record_of(vault, "journal");
  CHECK(after.quota == 5u << 20);
  CHECK(after.receipts == 30 * 86'400);
  CHECK(std::regex_search(browser.get("/mailboxes/journal/settings").body,
                          std::regex("<input[^>]* name=\"receipts\"[^>]* value=\"30\"")));
  CHECK((after.allow_reject && after.require_tls));
  CHECK(after.description == "New");
  CHECK(last_leaf(vault, after.id).type == store::LeafType::Setting);
  CHECK(last_leaf(vault, after.id).actor.find("console operator from") != std::string::npos);
  // The form of before is out of date.
  CHECK(browser.post("/mailboxes/journal/settings", form).status == 409);
  // A new name leads to its page.
  const web::Response renamed =
      browser.post("/mailboxes/journal/settings", settings_of(after, {{"name", "renamed"}}));
  CHECK(location(renamed) == "/mailboxes/renamed?done=saved");
}

TEST_CASE("A mailbox is suspended, held and resumed by a form, and never by a link") {
  ConsoleVault vault;
  vault.add_mailbox("journal");
  Browser browser(vault);
  browser.sign_in("operator");
  const auto change = [&](const char* what) {
    return browser.post("/mailboxes/journal/change", {{"change", what}}).status;
  };
  CHECK(change("suspend") == 303);
  CHECK(record_of(vault, "journal").status == store::Status::Suspended);
  CHECK(shows(browser.get("/mailboxes/journal"), "Suspended: new mail is refused temporarily."));
  CHECK(change("resume") == 303);
  CHECK(record_of(vault, "journal").status == store::Status::Active);
  CHECK(change("hold") == 303);
  CHECK(record_of(vault, "journal").hold);
  CHECK(change("release") == 303);
  CHECK_FALSE(record_of(vault, "journal").hold);
  CHECK(change("everything") == 400);
  CHECK(browser.get("/mailboxes/journal/change?change=suspend").status == 405);
  CHECK(browser.post_without_token("/mailboxes/journal/change", {{"change", "suspend"}}).status == 403);
  CHECK(record_of(vault, "journal").status == store::Status::Active);
}

TEST_CASE("A password is changed with the old one, to one that was shown or chosen") {
  ConsoleVault vault;
  vault.add_mailbox("journal");
  Browser browser(vault);
  browser.sign_in("administrator");
  const web::Response page = browser.get("/mailboxes/journal/password");
  CHECK(page.secret);
  const std::string fresh = between(page, kSecret, "<");
  const auto change = [&](Form form) {
    form.emplace_back("proposed", fresh);
    return browser.post("/mailboxes/journal/password", form);
  };
  const auto change_to_kept = [&](Form form) {
    form.emplace_back("proposed-kept", "yes");
    return change(form);
  };
  const std::string old(kConsolePassword);

  const web::Response wrong = change_to_kept({{"old", "not the password at all"}});
  CHECK(wrong.status == 403);
  CHECK(between(wrong, kSecret, "<") == fresh);
  CHECK(shows(wrong, "The password is wrong."));
  CHECK_FALSE(shows(wrong, "not the password at all"));
  CHECK(change({{"old", old}, {"fresh", "short"}, {"again", "short"}}).status == 400);
  CHECK(
      change({{"old", old}, {"fresh", "long enough for this"}, {"again", "another one, also long"}}).status ==
      400);

  CHECK(change({{"old", old}}).status == 400);
  CHECK(vault::unlock(vault.store, record_of(vault, "journal"), Secret(as_bytes(old))));
  CHECK(change_to_kept({{"old", old}}).status == 303);
  CHECK(vault::unlock(vault.store, record_of(vault, "journal"), Secret(as_bytes(fresh))));
  CHECK_FALSE(vault::unlock(vault.store, record_of(vault, "journal"), Secret(as_bytes(old))));

  const std::string chosen = "a password & chosen + by hand";
  const web::Response done = change({{"old", fresh}, {"fresh", chosen}, {"again", chosen}});
  CHECK(done.status == 303);
  CHECK(vault::unlock(vault.store, record_of(vault, "journal"), Secret(as_bytes(chosen))));
  CHECK(last_leaf(vault, record_of(vault, "journal").id).actor.find("console administrator") !=
        std::string::npos);
}

TEST_CASE("A lost password is replaced with the recovery key in its file") {
  ConsoleVault vault;
  vault.add_mailbox("journal");
  Browser browser(vault);
  browser.sign_in("administrator");
  const std::string fresh = between(browser.get("/mailboxes/journal/password"), kSecret, "<");
  const auto change = [&](const std::string& key) {
    return browser.post("/mailboxes/journal/password",
                        {{"recovery", key}, {"proposed", fresh}, {"proposed-kept", "yes"}});
  };
  const Secret identity = seal::identity(vault.recovery);
  const std::string file =
      "# created: today\r\n# public key: age1…\r\n" + std::string(identity.text()) + "\r\n";
  for (const std::string& bad : {"nothing"s, std::string(seal::identity(seal::generate_key()).text())}) {
    const web::Response refused = change(bad);
    CHECK(refused.status == 403);
    CHECK(shows(refused, "The recovery key is wrong."));
    CHECK_FALSE(shows(refused, "AGE-SECRET-KEY-1Q"));
  }
  const web::Response made = change(file);
  REQUIRE(made.status == 303);
  CHECK_FALSE(shows(made, identity.text()));
  CHECK(vault::unlock(vault.store, record_of(vault, "journal"), Secret(as_bytes(fresh))));
}

TEST_CASE("An error that is not a wrong password does not clear the count of wrong ones") {
  ConsoleVault vault;
  vault.add_mailbox("journal");
  Browser browser(vault);
  browser.sign_in("administrator");
  browser.get("/mailboxes/journal/rotate");
  const auto guess = [&] {
    return browser.post("/mailboxes/journal/rotate", {{"password", "a guess of some length"}}).status;
  };
  CHECK(guess() == 403);
  CHECK(guess() == 403);
  vault.store.fail = [](std::string_view operation) -> std::optional<Error> {
    return operation == "permit" ? std::optional(Error(Code::Busy, "no memory now")) : std::nullopt;
  };
  CHECK(guess() == 503);
  vault.store.fail = nullptr;
  CHECK(guess() == 403);
  CHECK(guess() == 429);
}

TEST_CASE("An account that guesses a mailbox's password has to wait, and others do not") {
  ConsoleVault vault;
  vault.add_mailbox("journal");
  vault.add_account("second", vault::Role::Administrator);
  Browser browser(vault), other(vault);
  browser.sign_in("administrator");
  browser.get("/mailboxes/journal/rotate");
  int status = 403;
  for (int tries = 0; tries < 10 && status == 403; ++tries)
    status = browser.post("/mailboxes/journal/rotate", {{"password", "a guess of some length"}}).status;
  CHECK(status == 429);
  CHECK(browser.post("/mailboxes/journal/rotate", {{"password", std::string(kConsolePassword)}}).status ==
        429);
  other.sign_in("second");
  other.get("/mailboxes/journal/rotate");
  CHECK(other.post("/mailboxes/journal/rotate", {{"password", std::string(kConsolePassword)}}).status == 303);
  CHECK(record_of(vault, "journal").newest().number == 2);
  vault.pass(10s);
  CHECK(browser.post("/mailboxes/journal/rotate", {{"password", std::string(kConsolePassword)}}).status ==
        303);
}

TEST_CASE("A mailbox is removed if it is suspended and empty, and its name was typed") {
  ConsoleVault vault;
  const store::MailboxRecord record = vault.add_mailbox("journal");
  const MessageId message = vault.deliver(record, "Subject: x\r\n\r\nbody\r\n");
  Browser browser(vault);
  browser.sign_in("administrator");
  const web::Response early = browser.get("/mailboxes/journal/remove");
  CHECK(shows(early, "Only a suspended mailbox can be removed."));
  CHECK(shows(early, "It still contains 1 message."));
  CHECK(browser.post("/mailboxes/journal/remove", {{"typed", "journal"}}).status != 303);
  browser.post("/mailboxes/journal/change", {{"change", "suspend"}});
  CHECK(browser.post("/mailboxes/journal/remove", {{"typed", "journal"}}).status != 303);
  REQUIRE(is_there(vault, "journal"));
  CHECK(browser
            .post("/mailboxes/journal/change-messages",
                  {{"change", "remove"}, {"id", message.hex()}, {"sure", "yes"}})
            .status == 303);
  CHECK(browser.post("/mailboxes/journal/remove", {{"typed", "jurnal"}}).status == 400);
  REQUIRE(is_there(vault, "journal"));
  const web::Response done = browser.post("/mailboxes/journal/remove", {{"typed", "journal"}});
  CHECK(location(done) == "/mailboxes?done=removed");
  CHECK_FALSE(is_there(vault, "journal"));
}

TEST_CASE("Many mailboxes are listed a page at a time, and found by name or description") {
  ConsoleVault vault;
  for (int i = 0; i < 120; ++i) vault.add_mailbox("box-" + std::to_string(1000 + i));
  Browser browser(vault);
  browser.sign_in("viewer");
  const web::Response first = browser.get("/mailboxes");
  CHECK(shows(first, ">box-1099<"));
  CHECK_FALSE(shows(first, ">box-1100<"));
  CHECK(shows(first, "/mailboxes?after=box-1099"));
  const web::Response next = browser.get("/mailboxes?after=box-1099");
  CHECK(shows(next, ">box-1100<"));
  CHECK_FALSE(shows(next, ">box-1099<"));
  const web::Response found = browser.get("/mailboxes?q=X-1105");
  CHECK(shows(found, ">box-1105<"));
  CHECK_FALSE(shows(found, ">box-1104<"));
  CHECK(shows(browser.get("/mailboxes?q=%22%3E%3Cscript%3E"), "&lt;script&gt;"));
}

TEST_CASE("The pages speak the language of the account") {
  ConsoleVault vault;
  vault.add_mailbox("journal");
  Browser browser(vault);
  browser.sign_in("viewer");
  browser.get("/mailboxes");
  const auto speak = [&](const char* language) {
    auto account = vault::find_account(vault.store, "viewer");
    REQUIRE(account);
    account->language = language;
    REQUIRE(vault::change_account(vault.store, *account, "language", "test"));
  };
  speak("de");
  CHECK(shows(browser.get("/mailboxes"), "Letzte Zustellung"));
  speak("it");
  CHECK(shows(browser.get("/mailboxes/journal"), "Ultimo prelievo"));
}

TEST_CASE("Every page reports a missing keeper") {
  ConsoleVault vault;
  vault.add_mailbox("journal");
  Browser browser(vault);
  browser.sign_in("administrator");
  vault.away = true;
  for (const char* path : {"/mailboxes", "/mailboxes/journal", "/mailboxes/journal/messages"})
    CHECK(browser.get(path).status == 503);
}

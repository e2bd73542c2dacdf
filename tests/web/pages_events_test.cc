// The pages on events, the checkpoint and the test delivery.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <regex>

#include "support/source_dir.h"
#include "vault/mailbox_settings.h"
#include "web/browser.h"
#include "web/pages/change_text.h"
#include "web/pages/history_file.h"
#include "web/pages/history_page.h"
#include "web/strings/strings.h"

using namespace gw;
using namespace gw::test;

TEST_CASE("Events are shown newest first, by type, day, message and who did it, and in pages") {
  ConsoleVault vault;
  const auto mailbox = vault.add_mailbox("journal");
  std::vector<MessageId> ids;
  for (int i = 0; i < 60; ++i) ids.push_back(vault.deliver(mailbox, "Subject: x\r\n\r\ny\r\n"));
  Browser browser(vault);
  browser.sign_in("viewer");
  const web::Response first = browser.get("/events?mailbox=journal&type=accepted");
  CHECK(shows(first, ids.back().hex()));
  CHECK_FALSE(shows(first, ids.front().hex()));
  const std::size_t at = first.body.find("/events?before=");
  REQUIRE(at != std::string::npos);
  std::string next = first.body.substr(at, first.body.find('"', at) - at);
  for (std::size_t amp; (amp = next.find("&amp;")) != std::string::npos;) next.erase(amp + 1, 4);
  const web::Response second = browser.get(next);
  CHECK(shows(second, ids.front().hex()));
  CHECK_FALSE(shows(second, ids.back().hex()));

  const web::Response one = browser.get("/events?mailbox=journal&message=" + ids[7].hex());
  CHECK(shows(one, ids[7].hex()));
  CHECK_FALSE(shows(one, ids[8].hex()));
  CHECK(shows(browser.get("/events?mailbox=journal&since=2999-01-01"), "No matching events"));
  CHECK(shows(browser.get("/events?mailbox=journal&until=2001-01-01"), "No matching events"));
  CHECK(shows(browser.get("/events?mailbox=journal&actor=TEST&type=mailbox-made"), "mailbox created"));
  CHECK(shows(browser.get("/events?type=nonsense"), "is not valid and was ignored"));
}

TEST_CASE("Events name the change, its author and the time to the second") {
  ConsoleVault vault;
  vault.add_mailbox("journal");
  Browser browser(vault);
  browser.sign_in("administrator");
  const auto last = [&] { return browser.get("/events?type=setting&mailbox=journal"); };
  const auto mailbox = vault::find_mailbox(vault.store, "journal");
  vault::MailboxSettings said;
  said.quota = 5 << 20;
  REQUIRE(vault::change_mailbox(vault.store, *mailbox, said, "console anna from 192.0.2.9"));
  const web::Response page = last();
  CHECK(shows(page, "Quota: none → 5242880 bytes"));
  CHECK(shows(page, "<a href=\"/mailboxes/journal\">journal</a>"));
  CHECK(shows(page, "anna<small>console, from 192.0.2.9</small>"));
  CHECK(std::regex_search(page.body, std::regex("\\d\\d:\\d\\d:\\d\\d\u00a0UTC")));
  // As the keeper writes it, also of an older version.
  for (const auto& [actor, words] :
       {std::pair("uid=0(root) admin gw-store, route out: tls starttls -> none",
                  "root<small>with gw-store</small>"),
        {"uid=991 append smtp 192.0.2.1 TX1", "SMTP from 192.0.2.1<small>uid 991 TX1</small>"},
        {"<b>x</b>", "&lt;b&gt;x&lt;/b&gt;"}}) {
    store::Leaf leaf;
    leaf.type = store::LeafType::Setting;
    leaf.actor = actor;
    REQUIRE(vault.store.note(mailbox->id, leaf));
    CHECK(shows(last(), words));
  }
  CHECK(shows(last(), "<a href=\"/routes/out\">out</a>"));
}

TEST_CASE("The change of an event is shown in the language of the user") {
  const auto in = [](web::Language language, std::string_view change) {
    return web::change_text(web::Words(language), change).markup();
  };
  CHECK(
      in(web::Language::English, "tls starttls -> implicit, upstream a.example:25 -> [2001:db8::1]:465") ==
      "TLS: with STARTTLS or STLS → from the start; Provider&#39;s server: a.example:25 → [2001:db8::1]:465");
  CHECK(in(web::Language::Italian, "added, viewer") == "aggiunta; visualizzatore");
  CHECK(in(web::Language::Italian, "verified, no findings, messages 30") ==
        "verifica; nessun problema; Messaggi: 30");
  CHECK(in(web::Language::German,
           "status active -> suspended, legal hold no -> yes, allow miss reject -> defer") ==
        "Status: aktiv → angehalten; Löschsperre: nein → ja; Andere Absender: abweisen → zurückstellen");
  CHECK(in(web::Language::German, "allow +192.0.2.0/24 -198.51.100.7") ==
        "Zugelassene Absender: +192.0.2.0/24 -198.51.100.7");
  // What no rule knows, from an older version or a later one, stays as it is.
  CHECK(in(web::Language::Italian, "frobs 1 -> 2, <b>") == "frobs 1 -&gt; 2; &lt;b&gt;");
  CHECK(in(web::Language::Italian, "").empty());
}

TEST_CASE("Every field that a history entry names is translated") {
  const std::regex call(R"re(found\.(value|list|plain)\((?:[^"();]*\? )?"([^"]+)"(?: : "([^"]+)")?)re");
  std::size_t fields = 0;
  for (const auto& file : std::filesystem::directory_iterator(test::source_dir() + "/lib/vault")) {
    if (file.path().extension() != ".cc") continue;
    std::ifstream in(file.path());
    const std::string source{std::istreambuf_iterator<char>(in), {}};
    for (std::sregex_iterator at(source.begin(), source.end(), call), end; at != end; ++at) {
      ++fields;
      for (const std::size_t group : {2, 3}) {
        const std::string name = (*at)[group];
        if (name.empty()) continue;
        const bool plain = (*at)[1] == "plain";
        const std::string change = plain ? name : name + " 1 -> 2";
        CAPTURE(file.path().string(), change);
        CHECK(web::change_text(web::Words(web::Language::German), change).markup().find(name) != 0);
      }
    }
  }
  CHECK(fields > 30);
}

TEST_CASE("A history is downloaded as CSV and JSON Lines, with everything that the filter matches") {
  ConsoleVault vault;
  const auto mailbox = vault.add_mailbox("journal");
  for (int i = 0; i < 700; ++i) {
    store::Leaf leaf;
    leaf.type = store::LeafType::Refused;
    leaf.actor = i == 0 ? "=HYPERLINK(\"http://x\"),1" : "test";
    REQUIRE(vault.store.note(mailbox.id, leaf));
  }
  Browser browser(vault);
  browser.sign_in("viewer");
  const auto file = [&](const std::string& query) {
    const web::Response response = browser.get("/events/export?" + query);
    REQUIRE(response.status == 200);
    REQUIRE(response.stream);
    CHECK(response.headers.get("Content-Disposition").find("attachment; filename=\"history-journal-") == 0);
    std::string all;
    CHECK(response.stream([&](ByteView piece) {
      all += as_text(piece);
      return true;
    }));
    CHECK_FALSE(response.stream([](ByteView) { return false; }));
    return all;
  };
  const std::string csv = file("mailbox=journal&type=refused&format=csv");
  CHECK(std::ranges::count(csv, '\n') == 701);
  CHECK(csv.find(",\"'=HYPERLINK(\"\"http://x\"\"),1\",") != std::string::npos);
  const std::string json = file("mailbox=journal&format=jsonl");
  CHECK(std::ranges::count(json, '\n') == 701);
  CHECK(json.find("\"type\":\"mailbox-made\"") != std::string::npos);
  CHECK(browser.get("/events/export?mailbox=journal&format=xml").status == 400);
  vault.add_account("acme", vault::Role::Operator, {"acme-*"});
  Browser limited(vault);
  limited.sign_in("acme");
  CHECK(limited.get("/events/export?mailbox=journal&format=csv").status == 404);
  CHECK(limited.get("/events/export?format=csv").status == 404);
}

TEST_CASE("A cell of a table is never a formula") {
  for (const char first : std::string("=+-@\t\r"))
    CHECK(web::csv_cell(std::string(1, first) + "x").find(std::string("'") + first) <= 1);
  CHECK(web::csv_cell("plain") == "plain");
  // Where the comma is the decimal sign, spreadsheets divide at the semicolon.
  CHECK(web::csv_cell("x;=HYPERLINK(1)") == "x;'=HYPERLINK(1)");
  CHECK(web::csv_cell("x \"=1") == "\"x \"\"'=1\"");
  CHECK(web::csv_cell("a-b=c") == "a-b=c");
  CHECK(web::csv_cell("a,b") == "\"a,b\"");
  CHECK(web::csv_cell("a\"b") == "\"a\"\"b\"");
  CHECK(web::csv_cell("") == "");
}

TEST_CASE("Every type of event has its words") {
  for (const store::LeafType type : web::leaf_types()) {
    CAPTURE(std::string(store::name(type)));
    CHECK(web::Text::find("event." + std::string(store::name(type))));
  }
}

TEST_CASE("A history is searched in bounded steps, which together cover all of it") {
  ConsoleVault vault;
  const auto mailbox = vault.add_mailbox("journal");
  for (int i = 0; i < 1200; ++i) {
    store::Leaf leaf;
    leaf.type = store::LeafType::Refused;
    leaf.mailbox = mailbox.id;
    leaf.actor = i % 400 == 0 ? "wanted" : "another";
    REQUIRE(vault.store.note(mailbox.id, leaf));
  }
  web::EventFilter filter;
  filter.log = mailbox.id;
  filter.actor = "Wanted";
  std::uint64_t before = 0;
  std::vector<std::uint64_t> found;
  do {
    const auto page = web::events_before(vault.store, filter, before, 2).value();
    for (const store::Leaf& leaf : page.leaves) found.push_back(leaf.index);
    before = page.before;
  } while (before != 0);
  REQUIRE(found.size() == 3);
  CHECK(found[0] > found[1]);
  CHECK(found[1] > found[2]);
}

TEST_CASE("A limited account sees only the histories of its mailboxes, and makes no checkpoint") {
  ConsoleVault vault;
  vault.add_mailbox("acme-mail");
  vault.add_mailbox("other-mail");
  vault.add_account("acme", vault::Role::Operator, {"acme-*"});
  Browser browser(vault);
  browser.sign_in("acme");
  const web::Response page = browser.get("/events");
  CHECK(shows(page, "acme-mail"));
  CHECK_FALSE(shows(page, "other-mail"));
  CHECK_FALSE(shows(page, ">Vault<"));
  CHECK(browser.get("/events?mailbox=other-mail").status == 404);
  CHECK(browser.post("/events/checkpoint", {}).status == 403);
  CHECK_FALSE(shows(browser.get("/test-delivery"), "other-mail"));
  CHECK(browser.post("/test-delivery", {{"mailbox", "other-mail"}, {"server", "127.0.0.1:25"}}).status ==
        404);
}

TEST_CASE("A checkpoint is shown with the key that verifies it") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.sign_in("operator");
  const std::string key = vault::verifier_key(vault.history_key, *vault.store.vault_id());
  CHECK(shows(browser.get("/events"), key));
  CHECK(shows(browser.get("/about"), key));
  const web::Response note = browser.post("/events/checkpoint", {});
  REQUIRE(note.status == 200);
  CHECK(vault::open_checkpoint(note.body, key));
}

TEST_CASE("A test delivery goes to this host's own servers only") {
  ConsoleVault vault;
  vault.add_mailbox("journal");
  Browser browser(vault);
  browser.sign_in("operator");
  browser.get("/test-delivery");
  CHECK(browser.post("/test-delivery", {{"mailbox", "journal"}, {"server", "192.0.2.99:25"}}).status == 400);
  Browser viewer(vault);
  viewer.sign_in("viewer");
  viewer.get("/events");
  CHECK(viewer.get("/test-delivery").status == 403);
  CHECK(viewer.post("/test-delivery", {{"mailbox", "journal"}, {"server", "127.0.0.1:25"}}).status == 403);
}

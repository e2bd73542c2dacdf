#include <catch2/catch.hpp>
#include <thread>

#include "vault/maintenance_log.h"
#include "web/browser.h"
#include "web/diagnosis_cache.h"
#include "web/pages/activity.h"
#include "web/ui/chart.h"

using namespace gw;
using namespace gw::test;
using namespace std::literals;

namespace {

constexpr Micros kHour = Micros{3600} * 1'000'000;

std::vector<store::MailboxRecord> all_of(ConsoleVault& vault) {
  return *vault.store.mailboxes();
}

}  // namespace

TEST_CASE("The overview of an empty vault shows the next step to accounts that may do it") {
  ConsoleVault vault;
  Browser viewer(vault), operator_one(vault), administrator(vault);
  viewer.sign_in("viewer");
  operator_one.sign_in("operator");
  administrator.sign_in("administrator");
  const web::Response page = viewer.get("/");
  CHECK(page.status == 200);
  CHECK(shows(page, "There is no mailbox yet"));
  CHECK_FALSE(shows(page, "/new-mailbox"));
  CHECK_FALSE(shows(operator_one.get("/"), "/new-mailbox"));
  CHECK(shows(administrator.get("/"), "\"/new-mailbox\""));
  CHECK(administrator.get("/new-mailbox").status == 200);
}

TEST_CASE("The overview shows mailboxes with their numbers, and a chart with the same numbers as a table") {
  ConsoleVault vault;
  const store::MailboxRecord mailbox = vault.add_mailbox("journal");
  for (int i = 0; i < 3; ++i) vault.deliver(mailbox, "Subject: a\r\n\r\nbody\r\n");
  Browser browser(vault);
  browser.sign_in("viewer");
  const web::Response page = browser.get("/");
  CHECK(shows(page, "<a href=\"/mailboxes/journal\">journal</a>"));
  CHECK(shows(page, "<dd class=\"value\"><a href=\"/mailboxes\">3</a></dd>"));
  CHECK(shows(page, "hours in UTC"));
  CHECK(shows(page, "As of "));
  // It loads itself again, without JavaScript too.
  CHECK(shows(page, "<noscript><meta http-equiv=\"refresh\" content=\"60;url=/?unattended=1\">"));
  CHECK(shows(browser.get("/mailboxes/journal"), "3 received, 0 drained in total."));
  CHECK(shows(page, "3 received, 0 drained in total."));
  CHECK(shows(page, "aria-labelledby=\"chart-messages-title chart-messages-description\""));
  CHECK(shows(page, "<div>3</div></td>"));
  CHECK(shows(browser.get("/?range=30d"), "aria-current=\"true\">30 days"));
}

TEST_CASE("An account that is limited to some mailboxes sees only these, in tables, sums and charts") {
  ConsoleVault vault;
  vault.deliver(vault.add_mailbox("sales-north"), "Subject: a\r\n\r\nbody\r\n");
  const store::MailboxRecord secret = vault.add_mailbox("board");
  for (int i = 0; i < 5; ++i) vault.deliver(secret, "Subject: a\r\n\r\nbody\r\n");
  vault.add_account("sales", vault::Role::Administrator, {"sales-*"});
  Browser browser(vault);
  browser.sign_in("sales");
  const web::Response page = browser.get("/");
  CHECK(shows(page, "sales-north"));
  CHECK_FALSE(shows(page, "board"));
  CHECK(shows(page, "1 received, 0 drained in total."));
  CHECK_FALSE(shows(page, "Last checkpoint"));
  CHECK_FALSE(shows(page, "Servers and routes"));
}

TEST_CASE("The overview shows when the vault was last backed up and verified, and the result") {
  ConsoleVault vault;
  Browser browser(vault);
  browser.sign_in("viewer");
  CHECK(shows(browser.get("/"), "Run: gw-store verify"));
  REQUIRE(vault::note_verify(vault.store, {gw::now(), 1, 1, 0}, "test"));
  CHECK(shows(browser.get("/"), "everything intact"));
  REQUIRE(vault::note_verify(vault.store, {gw::now(), 1, 1, 2}, "test"));
  CHECK(shows(browser.get("/"), "2 anomalies"));
  REQUIRE(vault::note_backup(vault.store, {gw::now(), 1, 1, 5 << 20}, "test"));
  CHECK(shows(browser.get("/"), "5.0\u00a0MiB"));
}

TEST_CASE("Names and descriptions are shown as text, whatever they contain") {
  ConsoleVault vault;
  store::MailboxRecord mailbox = vault.add_mailbox("journal");
  mailbox.description = "<script>alert(1)</script>";
  REQUIRE(vault.store.put_mailbox(mailbox, {}, {store::LeafType::Setting, "test", 0}));
  Browser browser(vault);
  browser.sign_in("viewer");
  const web::Response page = browser.get("/");
  CHECK(shows(page, "&lt;script&gt;alert(1)&lt;/script&gt;"));
  CHECK_FALSE(shows(page, "<script>alert"));
}

TEST_CASE("Activity counts each leaf once, however often it reads") {
  ConsoleVault vault;
  const store::MailboxRecord mailbox = vault.add_mailbox("journal");
  web::Activity activity;
  const auto sum = [&] {
    web::Traffic all;
    for (const web::Traffic& each : activity.last(all_of(vault), 24, 1, gw::now())) all += each;
    return all;
  };
  for (std::uint64_t i = 1; i <= 3; ++i) {
    vault.deliver(mailbox, "Subject: a\r\n\r\nbody\r\n");
    for (int again = 0; again < 2; ++again) REQUIRE(activity.update(vault.store, all_of(vault), gw::now()));
    CHECK(sum().messages_in == i);
    CHECK(sum().bytes_in == i * 20);
    CHECK(activity.complete());
  }
  CHECK(activity.buckets() <= 2);
}

TEST_CASE("Activity counts by hour and forgets hours older than thirty days") {
  ConsoleVault vault;
  const store::MailboxRecord mailbox = vault.add_mailbox("journal");
  vault.deliver(mailbox, "Subject: a\r\n\r\nbody\r\n");
  web::Activity activity;
  const Micros now = gw::now();
  REQUIRE(activity.update(vault.store, all_of(vault), now));
  const Micros later = now + 5 * kHour;
  const auto hours = activity.last(all_of(vault), 24, 1, later);
  REQUIRE(hours.size() == 24);
  CHECK(hours[23 - 5].messages_in == 1);
  CHECK(hours[23].messages_in == 0);
  REQUIRE(activity.update(vault.store, all_of(vault), now + 31 * 24 * kHour));
  CHECK(activity.buckets() == 0);
}

TEST_CASE("The first reading finds the last thirty days without reading older entries") {
  ConsoleVault vault;
  const store::MailboxRecord mailbox = vault.add_mailbox("journal");
  for (int i = 0; i < 40; ++i) vault.deliver(mailbox, "Subject: a\r\n\r\nbody\r\n");
  web::Activity activity;
  // As if all of it were long ago.
  const Micros later = gw::now() + 40 * 24 * kHour;
  int reads = 0;
  vault.store.fail = [&](std::string_view operation) -> std::optional<Error> {
    if (operation == "history_read") ++reads;
    return std::nullopt;
  };
  REQUIRE(activity.update(vault.store, all_of(vault), later));
  CHECK(reads < 10);
  CHECK(activity.buckets() == 0);
}

TEST_CASE("The axis of a chart ends at a round value, also without data") {
  CHECK(web::round_up(0, 1000) == 4);
  CHECK(web::round_up(5, 1000) == 8);
  CHECK(web::round_up(11, 1000) == 20);
  CHECK(web::round_up(399, 1000) == 400);
  CHECK(web::round_up(5000, 1024) == 8192);
  for (std::uint64_t value : {1ULL, 7ULL, 99ULL, 12345ULL, 1ULL << 60}) {
    CHECK(web::round_up(value, 1000) >= value);
    CHECK(web::round_up(value, 1024) >= value);
  }
  const std::string svg =
      web::bar_chart(
          "x", "t<", "d", {{"a", "b", 0, 0}}, [](std::uint64_t v) { return std::to_string(v); }, 1000)
          .markup();
  CHECK(svg.find("t&lt;") != std::string::npos);
  CHECK(svg.find("style=") == std::string::npos);
}

TEST_CASE("An entry of a newer gw in a history is not counted, and the overview is shown") {
  ConsoleVault vault;
  const store::MailboxRecord mailbox = vault.add_mailbox("journal");
  for (int i = 0; i < 3; ++i) vault.deliver(mailbox, "Subject: a\r\n\r\nbody\r\n");
  const std::uint64_t last = vault.store.history_head(mailbox.id)->size - 1;
  const std::uint64_t last_of_vault = vault.store.history_head({})->size - 1;
  vault.store.alter_leaves = [&](const MailboxId& log, std::uint64_t from, std::vector<Bytes>& leaves) {
    const std::uint64_t newer = log == MailboxId{} ? last_of_vault : last;
    if (newer >= from && newer - from < leaves.size()) leaves[newer - from].front() = std::byte{99};
  };
  Browser browser(vault);
  browser.sign_in("administrator");
  const web::Response page = browser.get("/");
  CHECK(page.status == 200);
  web::Activity activity;
  REQUIRE(activity.update(vault.store, all_of(vault), now()));
  CHECK(activity.last(all_of(vault), 24, 1, now()).back().messages_in == 2);
}

TEST_CASE("Requests at the same time examine the vault once") {
  ConsoleVault vault;
  vault.add_mailbox("journal");
  web::DiagnosisCache once;
  std::atomic<int> asked = 0;
  std::atomic<bool> held = false;
  vault.store.fail = [&](std::string_view operation) -> std::optional<Error> {
    if (operation != "mailboxes") return std::nullopt;
    ++asked;
    while (held) std::this_thread::sleep_for(1ms);
    return std::nullopt;
  };
  REQUIRE(once.findings(vault.store, "", now()));
  const int each = asked.exchange(0);
  REQUIRE(each > 0);

  web::DiagnosisCache cache;
  held = true;
  std::vector<std::thread> callers;
  std::atomic<int> good = 0;
  for (int i = 0; i < 4; ++i)
    callers.emplace_back([&] { good += cache.findings(vault.store, "", now()) ? 1 : 0; });
  // The others have most probably begun to wait by then; if not, they find fresh findings.
  std::this_thread::sleep_for(100ms);
  held = false;
  for (std::thread& caller : callers) caller.join();
  CHECK(good == 4);
  CHECK(asked == each);
}

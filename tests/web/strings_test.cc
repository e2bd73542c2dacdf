#include "web/strings/strings.h"
#include "support/source_dir.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "base/text.h"
#include "vault/diagnosis.h"
#include "web/browser.h"
#include "web/context.h"
#include "web/diagnoses.h"
#include "web/pages/mailbox_form.h"
#include "web/pages/trouble.h"

using namespace gw;
using namespace gw::web;

namespace {

// `{name}`s of a text, sorted.
std::vector<std::string> placeholders(std::string_view text) {
  std::vector<std::string> found;
  for (std::size_t open = text.find('{'); open != std::string_view::npos; open = text.find('{', open + 1)) {
    const std::size_t close = text.find('}', open);
    REQUIRE(close != std::string_view::npos);
    found.emplace_back(text.substr(open + 1, close - open - 1));
  }
  std::ranges::sort(found);
  return found;
}

template <class Each>
void for_each_word(Each each) {
  for (const auto area : word_table::kAreas)
    for (const Word& word : area) each(word);
}

}  // namespace

TEST_CASE("Every word is there in every language, with the same placeholders, and once") {
  std::set<std::string_view> ids;
  for_each_word([&](const Word& word) {
    CAPTURE(std::string(word.id));
    CHECK(ids.insert(word.id).second);
    for (const std::string_view text : {word.en, word.it, word.de}) {
      CHECK_FALSE(trim(text).empty());
      CHECK(valid_utf8(text));
      CHECK(placeholders(text) == placeholders(word.en));
      CHECK(text.find("  ") == std::string_view::npos);
    }
  });
}

TEST_CASE("No page has text of its own; all text is in the table") {
  // Names such as SMTP are the same in all languages.
  const std::regex literal(R"((escaped|markup_as_it_is)\(\s*"[^"]*[A-Za-z][a-z])");
  std::size_t seen = 0;
  for (const auto& file :
       std::filesystem::recursive_directory_iterator(gw::test::source_dir() + "/lib/web")) {
    const std::string name = file.path().filename();
    const std::string directory = file.path().parent_path().filename();
    if (file.path().extension() != ".cc" ||
        (directory != "pages" && name != "layout.cc" && name != "widgets.cc" && name != "diagnoses.cc"))
      continue;
    std::ifstream in(file.path());
    std::stringstream all;
    all << in.rdbuf();
    const std::string source = all.str();
    CAPTURE(name);
    std::smatch found;
    const bool has = std::regex_search(source, found, literal);
    CHECK((has ? found.str() : std::string()) == "");
    // The text of an Error is English. trouble_text() translates those of connections.
    CHECK_FALSE(
        std::regex_search(source, std::regex(R"(rror(\(\))?\.text\(\)|escaped\([^()]*(trouble|verdict)\))")));
    ++seen;
  }
  CHECK(seen > 5);
}

TEST_CASE("Every cause of a finding has a text, in the singular too") {
  test::ConsoleVault vault;
  const Context context(*vault.console, &vault.store, Language::German);
  const auto text = [&](vault::Cause cause, std::uint64_t count) {
    vault::Diagnosis found;
    found.cause = cause;
    found.text = "in English";
    found.facts.count = count;
    found.facts.seconds = 9 * 86'400;
    found.facts.time = now();
    return diagnosis_text(context, found).markup();
  };
  for (unsigned cause = 1; cause <= static_cast<unsigned>(vault::Cause::Findings); ++cause) {
    CAPTURE(cause);
    CHECK(text(static_cast<vault::Cause>(cause), 2).find("in English") == std::string::npos);
  }
  CHECK(text(vault::Cause::Unfetched, 1).starts_with("1 Nachricht wartet seit 9\u00a0Tagen;"));
  CHECK(text(vault::Cause::Unfetched, 2).starts_with("2 Nachrichten warten, die älteste seit 9\u00a0Tagen;"));
  CHECK(text(vault::Cause::Refused, 1).find("mindestens 1 Verbindung endgültig") != std::string::npos);
  CHECK(text(vault::Cause::DrainBroken, 1).starts_with("1 Abholung ist"));
  CHECK(text(vault::Cause::Findings, 1).find("1 Auffälligkeit.") != std::string::npos);
}

TEST_CASE("Numbers, sizes and dates are written as each language writes them") {
  const Words en(Language::English), it(Language::Italian), de(Language::German);
  CHECK(en.number(1234567) == "1,234,567");
  CHECK(it.number(1234567) == "1.234.567");
  CHECK(it.number(1000) == "1000");
  CHECK(it.number(10000) == "10.000");
  CHECK(de.number(1000) == "1.000");
  CHECK(en.number(1000) == "1,000");
  CHECK(de.number(999) == "999");
  CHECK(en.size(4096) == "4.0\u00a0KiB");
  CHECK(de.size(4096) == "4,0\u00a0KiB");
  const Micros time = *parse_time("2026-03-05T07:08:09Z");
  CHECK(en.time(time) == "5 Mar 2026, 07:08\u00a0UTC");
  CHECK(it.date(time) == "05/03/2026");
  CHECK(de.date(time) == "05.03.2026");
  CHECK(en.span(59) == "59\u00a0s");
  CHECK(en.span(3600) == "1\u00a0h");
  CHECK(it.span(3 * 86'400) == "3\u00a0giorni");
  CHECK(en.ago(time, time + 120 * 1'000'000).markup() ==
        "<time datetime=\"2026-03-05T07:08:09Z\" title=\"5 Mar 2026, 07:08\u00a0UTC\">2\u00a0min ago</time>");
  CHECK(en.ago(0, time).markup() == "never");
  CHECK(en.percent(0.125) == "13%");
  CHECK(it.percent(0.125) == "13%");
  CHECK(de.percent(0.125) == "13\u00a0%");
}

TEST_CASE("A span of 60 days and more is shown in months, and one of two years in years") {
  const Words en(Language::English), de(Language::German), it(Language::Italian);
  constexpr std::int64_t kDay = 86'400;
  CHECK(en.span(59 * kDay) == "59\u00a0days");
  CHECK(en.span(60 * kDay) == "2\u00a0months");
  CHECK(it.span(90 * kDay) == "3\u00a0mesi");
  CHECK(de.dative_span(365 * kDay) == "12\u00a0Monaten");
  CHECK(en.span(729 * kDay) == "24\u00a0months");
  CHECK(en.span(730 * kDay) == "2\u00a0years");
}

TEST_CASE("A span of days has the case that its sentence needs") {
  const Words de(Language::German);
  const Micros time = *parse_time("2026-03-05T07:08:09Z");
  const Micros week = Micros{9} * 86'400 * 1'000'000;
  CHECK(de.span(9 * 86'400) == "9\u00a0Tage");
  CHECK(de.dative_span(9 * 86'400) == "9\u00a0Tagen");
  CHECK(de.ago(time, time + week).markup().find(">vor 9\u00a0Tagen<") != std::string::npos);
  CHECK(de.ago(time + week, time).markup().find(">in 9\u00a0Tagen<") != std::string::npos);
}

TEST_CASE("No German text addresses its reader by mistake for a message or a password") {
  // At the beginning of a sentence `Ihr` and `Sie` are capitalised, and read as `your` and `you`. These are
  // meant so.
  const std::set<std::string_view> meant{"nav.account",          "account.title", "error.403",
                                         "events.nothing",       "sign-in.ended", "mailbox.wrong.not-yours",
                                         "route.wrong.not-yours"};
  const std::regex formal("(^|[.:] )(Ihre?|Sie) ");
  for_each_word([&](const Word& word) {
    CAPTURE(std::string(word.id));
    const std::string german(word.de);
    CHECK((!std::regex_search(german, formal) || meant.contains(word.id)));
  });
}

TEST_CASE("States, roles, errors, causes of findings and failed connections have their texts") {
  for (const std::string_view state : {"pending", "live", "unconfirmed", "drained", "quarantined"})
    CHECK(Text::find("state." + std::string(state)));
  for (const std::string_view role : {"viewer", "operator", "administrator"})
    CHECK(Text::find("role." + std::string(role)));
  for (const int status : {400, 403, 404, 405, 409, 421, 429, 500, 503}) {
    CAPTURE(status);
    CHECK(Text::find("error." + std::to_string(status)));
  }
  for (unsigned field = 0; field <= static_cast<unsigned>(vault::MailboxField::Receipts); ++field) {
    const auto which = static_cast<vault::MailboxField>(field);
    const std::string_view key = vault::words_of(which).key;
    CAPTURE(std::string(key));
    CHECK(vault::words_of(which).field == which);
    CHECK(wrong_word({which, "x"}).id() == "mailbox.wrong." + std::string(key));
    CHECK(wrong_word({which, "", true}).id() == "mailbox.wrong.many");
  }
  for (const auto& [error, id] : std::vector<std::pair<std::string_view, std::string_view>>{
           {"cannot connect to 127.0.0.1 port 25: connect: Connection refused", "trouble.refused"},
           {"connect: Connection timed out", "trouble.timeout"},
           {"connect: Network is unreachable", "trouble.unreachable"},
           {"read: Connection reset by peer", "trouble.reset"},
           {"mail.example: Name or service not known", "trouble.name"},
           {"certificate has expired", "trouble.expired"},
           {"hostname mismatch", "trouble.host"},
           {"self-signed certificate", "trouble.self-signed"},
           {"unable to get local issuer certificate", "trouble.issuer"},
           {"TLS: wrong version number", "trouble.tls"},
           {"write: No space left on device", "trouble.space"},
           {"something else", "trouble.other"}}) {
    CAPTURE(std::string(error));
    CHECK(trouble_word(error).id() == id);
  }
}

TEST_CASE("Placeholders are filled and what fills them is escaped") {
  const Words de(Language::German);
  CHECK(de("time.ago", {{"span", "<3>"}}).markup() == "vor &lt;3&gt;");
}

TEST_CASE("A browser's languages are taken in its order of preference") {
  CHECK(accepted_language("") == Language::English);
  CHECK(accepted_language("fr, de;q=0.5, it;q=0.8") == Language::Italian);
  CHECK(accepted_language("de-CH,de;q=0.9,en;q=0.8") == Language::German);
  CHECK(accepted_language("it;q=0") == Language::English);
  CHECK(accepted_language("it;q=nonsense") == Language::English);
  CHECK(accepted_language(",;,;q=,") == Language::English);
}

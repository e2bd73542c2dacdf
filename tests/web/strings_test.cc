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

TEST_CASE("No page has text of its own: it takes it from the table by its id") {
  // Names such as SMTP are the same in all languages.
  const std::regex literal(R"((escaped|markup_as_it_is)\(\s*"[^"]*[A-Za-z][a-z])");
  std::size_t seen = 0;
  for (const auto& file :
       std::filesystem::recursive_directory_iterator(gw::test::source_dir() + "/lib/web")) {
    const std::string name = file.path().filename();
    if (!(file.path().extension() == ".cc" && file.path().parent_path().filename() == "pages") &&
        name != "layout.cc" && name != "widgets.cc")
      continue;
    std::ifstream in(file.path());
    std::stringstream all;
    all << in.rdbuf();
    const std::string source = all.str();
    CAPTURE(name);
    std::smatch found;
    const bool has = std::regex_search(source, found, literal);
    CHECK((has ? found.str() : std::string()) == "");
    ++seen;
  }
  CHECK(seen > 5);
}

TEST_CASE("Numbers, sizes and dates are written as each language writes them") {
  const Words en(Language::English), it(Language::Italian), de(Language::German);
  CHECK(en.number(1234567) == "1,234,567");
  CHECK(it.number(1234567) == "1.234.567");
  CHECK(de.number(999) == "999");
  CHECK(en.size(4096) == "4.0 KiB");
  CHECK(de.size(4096) == "4,0 KiB");
  const Micros time = *parse_time("2026-03-05T07:08:09Z");
  CHECK(en.time(time) == "5 Mar 2026, 07:08 UTC");
  CHECK(it.date(time) == "05/03/2026");
  CHECK(de.date(time) == "05.03.2026");
  CHECK(en.span(59) == "59 s");
  CHECK(en.span(3600) == "1 h");
  CHECK(it.span(3 * 86'400) == "3 g");
  CHECK(en.ago(time, time + 120 * 1'000'000).markup() ==
        "<time datetime=\"2026-03-05T07:08:09Z\" title=\"5 Mar 2026, 07:08 UTC\">2 min ago</time>");
  CHECK(en.ago(0, time).markup() == "never");
  CHECK(en.percent(0.125) == "13%");
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

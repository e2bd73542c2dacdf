#include "transfer/mbox_reader.h"
#include "support/source_dir.h"

#include <array>
#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/file.h"

namespace gw::transfer {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using Quoting = MboxForm::Quoting;

struct Found {
  std::string separator;
  std::string text;
};

std::vector<Found> read(std::string_view data, MboxForm form = {}) {
  mime::MemorySource source(as_bytes(data));
  MboxReader reader(source, form);
  std::vector<Found> found;
  for (;;) {
    const auto mail = reader.next();
    if (!mail) FAIL(mail.error().text());
    if (!*mail) return found;
    found.push_back({(*mail)->separator, ""});
    for (;;) {
      const auto piece = reader.read();
      REQUIRE(piece);
      if (piece->empty()) break;
      found.back().text += as_text(*piece);
    }
  }
}

std::vector<std::string> texts(std::string_view data, MboxForm form = {}) {
  std::vector<std::string> all;
  for (Found& each : read(data, form)) all.push_back(std::move(each.text));
  return all;
}

const std::string kFirst = "From a@x Mon Mar  3 10:00:00 2025\n";
const std::string kSecond = "From b@x Tue Mar  4 10:00:00 2025\n";
using List = std::vector<std::string>;

}  // namespace

TEST_CASE("a mail ends before the empty line that precedes the next separator") {
  CHECK(read("").empty());
  CHECK(read("\n\n").empty());
  CHECK(texts(kFirst) == List{""});
  CHECK(texts(kFirst + "\n") == List{""});
  CHECK(texts(kFirst + "a\n\n" + kSecond + "b\n\n") == List{"a\n", "b\n"});
  CHECK(texts(kFirst + "a\n\n\n" + kSecond + "b\n") == List{"a\n\n", "b\n"});
  CHECK(texts(kFirst + "a\n\n" + kSecond + "b") == List{"a\n", "b"});
  CHECK(texts(kFirst + kSecond + "b\n\n") == List{"", "b\n"});
  CHECK(texts(kFirst + "a\r\n\r\n" + kSecond + "b\r\n\r\n") == List{"a\r\n", "b\r\n"});
  CHECK(read(kFirst + "a\n\n" + kSecond)[1].separator + "\n" == kSecond);
}

TEST_CASE("a line that begins with From is a separator only if it has the form of the first one") {
  CHECK(texts(kFirst + "a\n\nFrom here on it hurts.\n\n" + kSecond + "b\n") ==
        List{"a\n\nFrom here on it hurts.\n", "b\n"});
  CHECK(texts(kFirst + "a\n" + kSecond + "b\n") == List{"a\n" + kSecond + "b\n"});  // no empty line
  CHECK(texts("From - \na\nFrom -\nb\n") == List{"a\n", "b\n"});
  CHECK(texts("\xef\xbb\xbf"
              "From -\na\n\nFrom Russia with love\n") == List{"a\n\nFrom Russia with love\n"});
  CHECK(texts("From 123@xxx\na\n\nFrom me to you\n\nFrom 124@xxx\nb\n") ==
        List{"a\n\nFrom me to you\n", "b\n"});
  CHECK(texts("From who ever\na\n\nFrom what ever\nb\n") == List{"a\n", "b\n"});
  CHECK(dated_separator("From x  Wed Sep 17 22:25:40 +0200 2008"));
  CHECK_FALSE(dated_separator("From x Wed Sep"));
}

TEST_CASE("quoting is removed as the form requires") {
  const std::string stored = kFirst + ">From a\n>>From b\n> From c\n>Fromage\n>\n";
  CHECK(texts(stored, {Quoting::Rd}) == List{"From a\n>From b\n> From c\n>Fromage\n>\n"});
  CHECK(texts(stored, {Quoting::O}) == List{"From a\n>>From b\n> From c\n>Fromage\n>\n"});
  CHECK(texts(stored, {Quoting::None}) == List{">From a\n>>From b\n> From c\n>Fromage\n>\n"});
}

TEST_CASE("a Content-Length is used if it ends at the end of a mail, and then nothing is unquoted") {
  MboxForm form;
  form.lengths = true;
  const std::string body = ">From x\n\n" + kSecond + "still\n";
  const std::string mail = "Content-Length: " + std::to_string(body.size()) + "\n\n" + body;
  CHECK(texts(kFirst + mail + "\n" + kSecond + "B: b\n\n", form) == List{mail, "B: b\n"});
  CHECK(texts(kFirst + mail, form) == List{mail});
  // A wrong one is of no account.
  const std::string lie = "Content-Length: 3\n\nabcdef\n";
  CHECK(texts(kFirst + lie + "\n" + kSecond + "B: b\n\n", form) == List{lie, "B: b\n"});
  const std::string huge = "Content-Length: 18446744073709551615\n\nabc\n";
  CHECK(texts(kFirst + huge + "\n" + kSecond + "B: b\n", form) == List{huge, "B: b\n"});
}

TEST_CASE("no line of a header hides the Content-Length that follows it") {
  MboxForm form;
  form.lengths = true;
  for (const std::string odd :
       {"no field\n", ">From - Mon Jan 26 17:20:56 2009\n", "X-M\xc3\xb6-: 1\n", " folded\n"}) {
    const std::string body = "a\n\n" + kSecond + "X: such a line is a separator\n";
    const std::string mail =
        "A: 1\n" + odd + "Content-Length: " + std::to_string(body.size()) + "\n\n" + body;
    CHECK(texts(kFirst + mail + "\n" + kSecond + mail + "\n", form) == List{mail, mail});
  }
  // The length of the next mail is not this one's.
  CHECK(texts(kFirst + "A: 1\n" + kSecond + "Content-Length: 2\n\nb\n", form) ==
        List{"A: 1\n", "Content-Length: 2\n\nb\n"});
}

TEST_CASE("a dated separator before a header needs no empty line, and one before text is text") {
  const std::string a = "A: 1\n\na\n";
  const std::string b = "B: 2\n\nb\n";
  CHECK(texts(kFirst + a + kSecond + b) == List{a, b});
  CHECK(texts(kFirst + "A: 1\r\n\r\na\r\n" + kSecond + b) == List{"A: 1\r\n\r\na\r\n", b});
  CHECK(texts(kFirst + a + "\n" + kSecond + ">From x\nB: 2\n") == List{a, "From x\nB: 2\n"});
  CHECK(texts(kFirst + a + "\n" + kSecond + "is how it looks.\n") ==
        List{a + "\n" + kSecond + "is how it looks.\n"});
  // A mail without a header, as an mbox has it.
  CHECK(texts(kFirst + a + "\n" + kSecond + "\nno header.\n") == List{a, "\nno header.\n"});
  CHECK(texts(kFirst + a + "\n" + kSecond) == List{a, ""});
  CHECK(texts("From x\n" + a + "\n" + kSecond + b + kFirst + a) == List{a, b, a});
  CHECK(texts("From x\n" + a + "\nFrom y\n" + b + "\nFrom z\nno header\n") ==
        List{a, b + "\nFrom z\nno header\n"});
}

TEST_CASE("if quoting is known, each From line is a separator") {
  MboxForm form;
  form.quoted = true;
  CHECK(texts(kFirst + "A: 1\n\n" + kSecond + "no header\nFrom x\n>From y\n", form) ==
        List{"A: 1\n", "no header\n", "From y\n"});
}

TEST_CASE("lines that look like separators are counted without the reader") {
  const auto count = [](std::string_view text, std::size_t piece) {
    SeparatorCount counted;
    for (; !text.empty(); text.remove_prefix(std::min(piece, text.size())))
      counted.write(as_bytes(text.substr(0, piece)));
    counted.finish();
    return std::array{counted.any(), counted.dated(), counted.followed()};
  };
  using Counts = std::array<std::uint64_t, 3>;
  const std::string text = "\n" + kFirst + "A: 1\n" + kSecond + "B: 2\r\n\r\n" + kSecond.substr(0, 33) +
                           "\r\nText\rFrom x\r\n" + std::string(5000, 'x') + "From \n>" + kSecond;
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, text.size()})
    CHECK(count(text, piece) == Counts{3, 2, 1});
  CHECK(count("", 1) == Counts{0, 0, 0});
  CHECK(count("A: 1\n" + kFirst, 10) == Counts{1, 1, 0});
}

TEST_CASE("lines may be longer than any buffer and have any number of >") {
  const std::string line(300'000, 'x');
  const std::string marks(300'000, '>');
  CHECK((texts(kFirst + line + "\n\n" + kSecond + "b\n") == List{line + "\n", "b\n"}));
  CHECK((texts(kFirst + marks + "From\n" + marks + "From x\n\n" + kSecond) ==
         List{marks + "From\n" + marks.substr(1) + "From x\n", ""}));
  const std::string blanks(200'000, '\n');
  CHECK((texts(kFirst + blanks + kSecond + "b\n") == List{blanks.substr(1), "b\n"}));
  CHECK((read("From a@x Mon Mar  3 10:00:00 2025" + line + "\na\n").size() == 1));
}

TEST_CASE("a file that does not begin with a separator is not an mbox") {
  mime::MemorySource source(as_bytes("Subject: x\n\nFrom me\n"));
  MboxReader reader(source, {});
  CHECK(reader.next().error().code() == Code::BadInput);
  CHECK(MboxForm::guess(source).error().code() == Code::BadInput);
}

TEST_CASE("a mail is read again from its start") {
  const std::string data = kFirst + "a\n>From b\n" + std::string(100'000, 'c') + "\n\n" + kSecond + "d\n";
  mime::MemorySource source(as_bytes(data));
  MboxReader reader(source, {});
  REQUIRE(*reader.next());
  const auto rest = [&] {
    std::string text;
    for (auto piece = reader.read(); !piece->empty(); piece = reader.read()) text += as_text(*piece);
    return text;
  };
  const std::string once = rest();
  CHECK(once.size() == 2 + 7 + 100'001);
  reader.rewind();
  CHECK((rest() == once));
  CHECK(reader.closed());
  REQUIRE(*reader.next());
  CHECK(rest() == "d\n");
  CHECK_FALSE(reader.closed());
  CHECK(reader.end() == data.size());
}

TEST_CASE("the mbox files of the corpus have the known mails") {
  const fs::path folder = gw::test::source_dir() + "/../shared/corpus/mbox";
  if (!fs::exists(folder)) return;
  std::size_t files = 0;
  for (const auto& each : fs::recursive_directory_iterator(folder)) {
    if (each.path().extension() != ".json") continue;
    const Json facts = Json::parse(*read_file(each.path().string()));
    const std::string path = each.path().string().substr(0, each.path().string().size() - 5);
    const std::string data = *read_file(path, 64 << 20);
    INFO(path);
    ++files;
    mime::MemorySource source(as_bytes(data));
    const auto form = MboxForm::guess(source);
    REQUIRE(form);
    const auto found = texts(data, *form);
    CHECK(found.size() == facts["messages"].get<std::size_t>());
    const std::string format = facts.value("format", "");
    const char* which = format == "mboxrd" ? "original_sha256" : format == "mboxo" ? "" : "stored_sha256";
    if (!facts.contains(which)) continue;
    for (std::size_t i = 0; i < found.size(); ++i)
      CHECK(to_hex(sha256(as_bytes(found[i]))) == facts[which][i].get<std::string>());
  }
  CHECK(files > 10);
}

}  // namespace gw::transfer

// mbox, tar and zip: what is written is read back the same, and an interrupted file is gone on with.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "base/file.h"
#include "support/temp_folder.h"
#include "transfer/mbox_reader.h"
#include "transfer/writer.h"

using namespace std::literals;

namespace gw::transfer {
namespace {

namespace fs = std::filesystem;

constexpr Micros kNoon = 1'795'608'754'000'000;  // 2026-11-25T12:12:34Z
enum class Form { Mbox, Tar, Zip };

Entry entry(int number, std::string_view data, std::string suffix = ".eml") {
  Entry entry;
  entry.id.data[15] = static_cast<std::byte>(number);
  entry.time = kNoon + number * 1'000'000;
  entry.size = data.size();
  entry.suffix = std::move(suffix);
  entry.sender = "someone@example.com";
  return entry;
}

struct Place {
  explicit Place(Form wanted) : form(wanted) {}
  Form form;
  test::TempFolder temp;
  std::string path = temp.path() + "/out";
  std::string part = temp.path() + "/.out.part";

  MadeWriter open(bool resume = false) const {
    if (form == Form::Mbox) return make_mbox_writer(path, resume);
    return make_archive_writer(path, form == Form::Tar ? Archive::Tar : Archive::Zip, resume);
  }
  std::unique_ptr<Writer> writer(bool resume = false) const {
    auto made = open(resume);
    if (!made) FAIL(made.error().text());
    return std::move(*made);
  }
  // As it reads back.
  std::string carried(std::string_view text) const {
    const bool lacks = form == Form::Mbox && !text.empty() && text.back() != '\n';
    return std::string(text) + (lacks ? "\n" : "");
  }
};

Result<void> put(Writer& writer, const Entry& entry, std::string_view text, std::size_t piece = 1 << 20) {
  if (auto begun = writer.begin(entry); !begun) return begun;
  while (!text.empty()) {
    const std::string_view now = text.substr(0, piece);
    text.remove_prefix(now.size());
    if (auto written = writer.write(as_bytes(now)); !written) return written;
  }
  auto committed = writer.commit();
  return committed ? Result<void>() : Result<void>(committed.error());
}

bool holds(Writer& writer, const Entry& entry, const std::string& text) {
  auto there = writer.holds(entry, [&]() -> Result<Digest> { return sha256(as_bytes(text)); });
  if (!there) FAIL(there.error().text());
  return *there;
}

const std::vector<std::string>& mails() {
  static const std::vector<std::string> all{
      "Subject: x\r\n\r\nbody\r\n",
      "",
      "\n",
      "From me\n>From\n>From you\n>>>From them\nFro\nFromage\n>\n>>Fro",
      "\0nul \xff\r lonely\n\n\n"s,
      "From ",
      ">From x",
      std::string(200'000, '>') + "From far away\n",
      std::string(70'000, 'x') + "\r\n\r\nFrom here on\r\n" + std::string(70'000, 'y'),
      "no end",
  };
  return all;
}

}  // namespace

TEST_CASE("mbox, tar and zip are read back in order, however the input was cut") {
  const auto form = GENERATE(Form::Mbox, Form::Tar, Form::Zip);
  const auto piece = GENERATE(std::size_t{1}, std::size_t{3}, std::size_t{100'000});
  const Place place(form);
  {
    const auto writer = place.writer();
    for (std::size_t i = 0; i < mails().size(); ++i)
      REQUIRE(put(*writer, entry(static_cast<int>(i), mails()[i]), mails()[i], piece));
    CHECK_FALSE(fs::exists(place.path));
    REQUIRE(writer->finish());
    CHECK_FALSE(fs::exists(place.part));
    for (std::size_t i = 0; i < mails().size(); ++i) {
      const auto back = writer->digest(entry(static_cast<int>(i), mails()[i]));
      REQUIRE(back);
      CHECK(*back == sha256(as_bytes(place.carried(mails()[i]))));
    }
    CHECK(writer->digest(entry(100, "")).error().code() == Code::NotFound);
  }
  struct stat state {};
  REQUIRE(::stat(place.path.c_str(), &state) == 0);
  CHECK((state.st_mode & 07777) == 0600);
  // Never overwritten; gone on with only where it is the same.
  CHECK(place.open().error().exit_status() == 73);
  const auto again = place.writer(true);
  for (std::size_t i = 0; i < mails().size(); ++i)
    CHECK(holds(*again, entry(static_cast<int>(i), mails()[i]), place.carried(mails()[i])));
  REQUIRE(again->finish());
  const auto more = again->holds(entry(100, "x"), [] { return Result<Digest>(Digest{}); });
  CHECK(more.error().exit_status() == 73);
}

TEST_CASE("an interrupted mbox or tar is continued after its last complete mail, wherever it was cut") {
  const auto form = GENERATE(Form::Mbox, Form::Tar);
  const Place place(form);
  std::uint64_t full = 0;
  {
    const auto writer = place.writer();
    for (std::size_t i = 0; i < mails().size(); ++i)
      REQUIRE(put(*writer, entry(static_cast<int>(i), mails()[i]), mails()[i]));
    REQUIRE(writer->finish());
    full = fs::file_size(place.path);
  }
  const std::string whole = *read_file(place.path, 10 << 20);
  for (std::uint64_t cut :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{40}, std::uint64_t{511}, std::uint64_t{512},
        std::uint64_t{700}, std::uint64_t{1024}, std::uint64_t{1100}, full / 3, full / 2, full - 1600,
        full - 1025, full - 1024, full - 513, full - 2, full - 1, full}) {
    fs::remove(place.path);
    REQUIRE(create_file(place.part, as_bytes(std::string_view(whole).substr(0, cut)), 0600));
    INFO("cut at " << cut << " of " << full);
    const auto writer = place.writer(true);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < mails().size(); ++i) {
      const Entry each = entry(static_cast<int>(i), mails()[i]);
      if (holds(*writer, each, place.carried(mails()[i]))) {
        ++kept;
        continue;
      }
      REQUIRE(put(*writer, each, mails()[i]));
    }
    REQUIRE(writer->finish());
    CHECK((*read_file(place.path, 10 << 20) == whole));
    CHECK(kept <= mails().size());
    if (cut == full) CHECK(kept == mails().size());
    if (cut > full / 2) CHECK(kept >= mails().size() - 3);
  }
}

TEST_CASE("an interrupted zip is written again; without --resume so is every format") {
  const auto form = GENERATE(Form::Mbox, Form::Tar, Form::Zip);
  const bool resume = form == Form::Zip;
  const Place place(form);
  REQUIRE(create_file(place.part, as_bytes("half"), 0600));
  const auto writer = place.writer(resume);
  CHECK_FALSE(holds(*writer, entry(1, "a\n"), "a\n"));
  REQUIRE(put(*writer, entry(1, "a\n"), "a\n"));
  REQUIRE(writer->finish());
  CHECK(*writer->digest(entry(1, "a\n")) == sha256(as_bytes("a\n")));
}

TEST_CASE("a part with other mail is cut back to the point up to which both runs agree") {
  const auto form = GENERATE(Form::Mbox, Form::Tar);
  const Place place(form);
  const std::string same = std::string(300'000, 's') + "\n";
  const std::string other = std::string(300'000, 'o') + "\n";
  {
    const auto writer = place.writer();
    for (const int i : {1, 2, 3}) REQUIRE(put(*writer, entry(i, same), i == 2 ? other : same));
    // Destroyed without finish(): interrupted.
  }
  REQUIRE(fs::exists(place.part));
  const auto writer = place.writer(true);
  std::vector<int> kept;
  for (const int i : {1, 2, 3}) {
    if (holds(*writer, entry(i, same), same)) {
      kept.push_back(i);
    } else {
      REQUIRE(put(*writer, entry(i, same), same));
    }
  }
  CHECK(kept == std::vector<int>{1});
  REQUIRE(writer->finish());
  for (const int i : {1, 2, 3}) CHECK(*writer->digest(entry(i, same)) == sha256(as_bytes(same)));
}

TEST_CASE("a part that another process writes is Busy, and a missing directory is exit status 73") {
  const Place place(Form::Tar);
  const auto writer = place.writer();
  CHECK(place.open().error().code() == Code::Busy);
  CHECK(place.open(true).error().code() == Code::Busy);
  CHECK(make_mbox_writer(place.temp.path() + "/none/out", false).error().exit_status() == 73);
  CHECK(make_mbox_writer(place.temp.path() + "/", false).error().code() == Code::Usage);
}

TEST_CASE("an archive without messages is valid") {
  const auto form = GENERATE(Form::Mbox, Form::Tar, Form::Zip);
  const Place place(form);
  REQUIRE(place.writer()->finish());
  CHECK(fs::exists(place.path));
  REQUIRE(place.writer(true)->finish());
}

TEST_CASE("an mbox separator has one word for the sender, and the time of arrival") {
  const Place place(Form::Mbox);
  const auto writer = place.writer();
  Entry first = entry(0, "x\n");
  first.sender = "odd sender\n\xc3\xa9";
  REQUIRE(put(*writer, first, "x\n"));
  Entry second = entry(1, "y\n");
  second.sender.clear();
  REQUIRE(put(*writer, second, "y\n"));
  REQUIRE(writer->finish());
  CHECK(*read_file(place.path) ==
        "From odd_sender___ Wed Nov 25 12:12:34 2026\nx\n\n"
        "From MAILER-DAEMON Wed Nov 25 12:12:35 2026\ny\n\n");
}

}  // namespace gw::transfer

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "base/file.h"
#include "support/temp_folder.h"
#include "transfer/writer.h"

namespace gw::transfer {
namespace {

namespace fs = std::filesystem;

constexpr Micros kNoon = 1'795'608'754'000'000;  // 2026-11-25T12:12:34Z
const MessageId kId = *MessageId::parse("0193a1b2c3d4e5f60718293a4b5c6d7e");
const std::string kName = "2026/11/25/0193a1b2c3d4e5f60718293a4b5c6d7e.eml";

Entry entry(std::size_t size, const MessageId& id = kId) {
  Entry entry;
  entry.id = id;
  entry.time = kNoon;
  entry.size = size;
  return entry;
}
MessageId numbered(int number) {
  return *MessageId::parse("0000000000000000000000000000000" + std::to_string(number));
}

struct Place {
  test::TempFolder temp;
  std::string root = temp.path() + "/out";
  std::unique_ptr<Writer> writer = std::move(*make_eml_writer(root, false));

  Result<Digest> put(std::string_view text, const MessageId& id = kId) {
    if (auto begun = writer->begin(entry(text.size(), id)); !begun) return begun.error();
    if (auto written = writer->write(as_bytes(text)); !written) return written.error();
    return writer->commit();
  }
  std::string text(const std::string& name = kName) const { return *read_file(root + "/" + name); }
  // Every file below the root, hidden ones too.
  std::size_t files() const {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(root)) count += entry.is_regular_file() ? 1 : 0;
    return count;
  }
};

unsigned mode_of(const std::string& path) {
  struct stat state {};
  REQUIRE(::lstat(path.c_str(), &state) == 0);
  return state.st_mode & 07777;
}

}  // namespace

TEST_CASE("the name of a message is its day of arrival and its id") {
  const Place place;
  CHECK(place.writer->name(entry(0)) == kName);
  Entry sidecar = entry(0);
  sidecar.time = 0;
  sidecar.suffix = ".json";
  CHECK(place.writer->name(sidecar) == "1970/01/01/0193a1b2c3d4e5f60718293a4b5c6d7e.json");
}

TEST_CASE("a committed file is complete, readable by its user only, and has the time of arrival") {
  Place place;
  const std::string data("\0\r\n.\r\n\xff", 7);
  REQUIRE(place.put(data));
  REQUIRE(place.writer->finish());
  CHECK(place.text() == data);
  CHECK(place.files() == 1);
  CHECK(mode_of(place.root + "/" + kName) == 0600);
  CHECK(mode_of(place.root) == 0700);
  CHECK(mode_of(place.root + "/2026/11/25") == 0700);
  struct stat state {};
  REQUIRE(::stat((place.root + "/" + kName).c_str(), &state) == 0);
  CHECK(state.st_mtime == kNoon / 1'000'000);
  CHECK(*place.writer->digest(entry(0)) == sha256(as_bytes(data)));
}

TEST_CASE("an existing file is never overwritten") {
  Place place;
  REQUIRE(place.put("first"));
  const auto second = place.put("second");
  REQUIRE_FALSE(second);
  CHECK(second.error().code() == Code::Exists);
  CHECK(exit_status(second.error().code()) == 73);
  CHECK(place.text() == "first");

  SECTION("nor one that is created while the message is written") {
    const std::string other = "2026/11/25/00000000000000000000000000000001.eml";
    REQUIRE(place.writer->begin(entry(3, numbered(1))));
    REQUIRE(place.writer->write(as_bytes("our")));
    REQUIRE(create_file(place.root + "/" + other, as_bytes("theirs"), 0600));
    const auto committed = place.writer->commit();
    REQUIRE_FALSE(committed);
    CHECK(committed.error().code() == Code::Exists);
    CHECK(place.text(other) == "theirs");
    CHECK(place.files() == 2);
  }
  SECTION("nor a dangling link") {
    const std::string other = "2026/11/25/00000000000000000000000000000002.eml";
    REQUIRE(::symlink("/nonexistent/x", (place.root + "/" + other).c_str()) == 0);
    CHECK(place.put("x", numbered(2)).error().code() == Code::Exists);
  }
}

TEST_CASE("an abandoned message or a destroyed writer leaves nothing") {
  Place place;
  REQUIRE(place.writer->begin(entry(4)));
  REQUIRE(place.writer->write(as_bytes("half")));
  SECTION("abandoned") {
    place.writer->abandon();
  }
  SECTION("destroyed") {
    place.writer.reset();
  }
  CHECK(place.files() == 0);
}

TEST_CASE("half a message of a killed run is removed, one of a running export is not") {
  Place place;
  REQUIRE(place.put("x", numbered(3)));
  const std::string part = place.root + "/2026/11/25/.0193a1b2c3d4e5f60718293a4b5c6d7e.eml.part";
  REQUIRE(create_file(part, as_bytes("half"), 0600));
  SECTION("left behind") {
    REQUIRE(place.put("whole"));
    CHECK(place.text() == "whole");
    CHECK_FALSE(fs::exists(part));
  }
  SECTION("held") {
    const Fd other(::open(part.c_str(), O_WRONLY | O_CLOEXEC));
    REQUIRE(::flock(other.get(), LOCK_EX) == 0);
    const auto put = place.put("whole");
    REQUIRE_FALSE(put);
    CHECK(put.error().code() == Code::Busy);
    CHECK(*read_file(part) == "half");
  }
}

TEST_CASE("links below the destination are not followed") {
  Place place;
  const std::string elsewhere = place.temp.path() + "/elsewhere";
  fs::create_directory(elsewhere);
  fs::create_directory_symlink(elsewhere, place.root + "/2026");
  CHECK_FALSE(place.put("x"));
  CHECK(fs::is_empty(elsewhere));
}

TEST_CASE("a destination that cannot be created is exit status 73") {
  const auto writer = make_eml_writer("/nonexistent/folder/out", false);
  REQUIRE_FALSE(writer);
  CHECK(writer.error().exit_status() == 73);
  const test::TempFolder temp;
  REQUIRE(create_file(temp.path() + "/file", as_bytes("x"), 0600));
  CHECK(make_eml_writer(temp.path() + "/file", false).error().exit_status() == 73);
}

TEST_CASE("reading back a missing name is NotFound") {
  Place place;
  CHECK(place.writer->digest(entry(0)).error().code() == Code::NotFound);
}

TEST_CASE("standard output accepts one message and refuses a second") {
  const test::TempFolder temp;
  const Fd fd(::open((temp.path() + "/out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const auto writer = std::move(*make_stream_writer(fd.get()));
  REQUIRE(writer->begin(entry(3)));
  REQUIRE(writer->write(as_bytes("abc")));
  REQUIRE(writer->commit());
  const auto second = writer->begin(entry(3));
  REQUIRE_FALSE(second);
  CHECK(second.error().code() == Code::Usage);
  CHECK_FALSE(second.error().hint().empty());
}

}  // namespace gw::transfer

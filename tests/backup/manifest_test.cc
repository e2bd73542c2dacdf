// The manifest of a backup, and the directory of backups.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "backup/destination.h"
#include "backup/manifest.h"
#include "base/file.h"
#include "support/temp_folder.h"

namespace gw::backup {
namespace {

namespace fs = std::filesystem;

const Heading kHeading{
    random_id<VaultId>(), 1'800'000'000'123'456, 42, {7, sha256(as_bytes("root")), 0}, "gw/…\n7\n"};
const std::vector<Listed> kFiles{{"head", 8192, sha256(as_bytes("a")), ""},
                                 {"db/000012.sst", 17, sha256(as_bytes("b")), "12 3.4 5.6"},
                                 {"large/0123", 0, sha256(as_bytes("c")), "13 3.4 -"}};

struct Fixture {
  test::TempFolder folder;
  Tree tree = make();

  Tree make() const {
    auto made = Tree::make(AT_FDCWD, folder.path() + "/tree", folder.path() + "/tree");
    REQUIRE(made);
    return std::move(*made);
  }
  std::string path() const { return folder.path() + "/tree/manifest"; }
  void write() {
    auto writer = ManifestWriter::begin(tree, kHeading);
    REQUIRE(writer);
    for (const Listed& file : kFiles) REQUIRE(writer->add(file));
    REQUIRE(writer->finish());
  }
  // Reads it to the end.
  Result<std::size_t> read() const {
    auto reader = ManifestReader::open(tree);
    if (!reader) return reader.error();
    for (std::size_t count = 0;; ++count) {
      const auto file = reader->next();
      if (!file) return file.error();
      if (!*file) return count;
    }
  }
  void put(const std::string& text) const { std::ofstream(path(), std::ios::binary) << text; }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a manifest is read as it was written") {
  write();
  auto reader = ManifestReader::open(tree);
  REQUIRE(reader);
  CHECK(reader->heading().vault == kHeading.vault);
  CHECK(reader->heading().time == kHeading.time);
  CHECK(reader->heading().commits == 42);
  CHECK(reader->heading().history == kHeading.history);
  CHECK(reader->heading().checkpoint == kHeading.checkpoint);
  CHECK(reader->files() == kFiles.size());
  CHECK(reader->size() == 8192 + 17);
  for (const Listed& wanted : kFiles) {
    const auto file = reader->next();
    REQUIRE(file);
    REQUIRE(*file);
    CHECK((*file)->name == wanted.name);
    CHECK((*file)->size == wanted.size);
    CHECK((*file)->sha256 == wanted.sha256);
    CHECK((*file)->source == wanted.source);
  }
  CHECK_FALSE(reader->next()->has_value());
}

TEST_CASE_METHOD(Fixture, "the complete lines of an unfinished manifest are read") {
  write();
  const std::string whole = read_file(path()).value();
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    put(whole.substr(0, cut));
    auto reader = ManifestReader::open_unfinished(tree);
    const auto lines = static_cast<std::size_t>(
        std::count(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(cut), '\n'));
    if (lines == 0) {
      CHECK_FALSE(reader);
      continue;
    }
    REQUIRE(reader);
    CHECK(reader->heading().vault == kHeading.vault);
    std::size_t count = 0;
    for (; count < 10; ++count) {
      const auto file = reader->next();
      REQUIRE(file);
      if (!*file) break;
      CHECK((*file)->sha256 == kFiles[count].sha256);
    }
    CHECK(count == std::min(lines - 1, kFiles.size()));
  }
}

TEST_CASE("a run that continues keeps the files of interrupted runs, until one is complete") {
  const test::TempFolder folder;
  const std::string path = folder.path() + "/backups";
  for (int run = 1; run <= 2; ++run) {
    const auto destination = Destination::open(path, true);
    REQUIRE(destination);
    CHECK(destination->left()->size() == static_cast<std::size_t>(run - 1));
    auto tree = destination->begin();
    REQUIRE(tree);
    REQUIRE(tree->write("head", as_bytes(std::to_string(run))));
  }
  {
    const auto destination = Destination::open(path, true);
    REQUIRE(destination);
    const auto left = destination->left();
    REQUIRE(left);
    REQUIRE(left->size() == 2);
    CHECK(read_file(path + "/" + left->front() + "/head").value() == "1");
    CHECK(destination->complete()->empty());
    REQUIRE(destination->remove_left());
    CHECK(destination->left()->empty());
    REQUIRE(destination->begin());
  }
  // Without it, the writer begins again.
  const auto destination = Destination::open(path);
  REQUIRE(destination);
  CHECK(destination->left()->empty());
  CHECK_FALSE(fs::exists(path + "/.part"));
}

TEST_CASE_METHOD(Fixture, "a manifest that was cut anywhere, or in which a byte changed, is Corrupt") {
  write();
  const std::string whole = read_file(path()).value();
  // If its last line ending is missing, that line is cut too.
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    put(whole.substr(0, cut));
    INFO("cut at " << cut);
    CHECK(read().error().code() == Code::Corrupt);
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    put(changed);
    INFO("changed at " << at);
    const auto got = read();
    REQUIRE_FALSE(got);
    CHECK((got.error().code() == Code::Corrupt || got.error().code() == Code::Version));
  }
  put(whole + "{}\n");
  CHECK(read().error().code() == Code::Corrupt);
  put(whole);
  CHECK(read().value() == kFiles.size());
}

TEST_CASE_METHOD(Fixture, "a manifest of a newer format is refused by its number") {
  write();
  std::string text = read_file(path()).value();
  text.replace(text.find(":1,"), 3, ":2,");
  put(text);
  CHECK(read().error().code() == Code::Version);
}

TEST_CASE_METHOD(Fixture, "no name leads out of the directory") {
  for (const char* name : {"", ".", "..", "/", "/etc/passwd", "../x", "db/../x", "db/..", "db//x", "a/b/c",
                           ".part", "db/.hidden", "db/", "a b", "a\nb", "\xc3\xa4"}) {
    INFO(name);
    CHECK_FALSE(valid_name(name));
    CHECK(tree.write(name, as_bytes("x")).error().code() == Code::BadInput);
  }
  for (const char* name : {"head", "db/CURRENT", "db/000012.sst", "large/0123456789abcdef"})
    CHECK(valid_name(name));
}

TEST_CASE_METHOD(Fixture, "a link or a pipe in a backup is never followed") {
  fs::create_symlink("/etc/passwd", folder.path() + "/tree/head");
  CHECK_FALSE(tree.read("head"));
  CHECK_FALSE(tree.write("head", as_bytes("x")));
  fs::create_directory_symlink("/etc", folder.path() + "/tree/db");
  CHECK_FALSE(tree.read("db/passwd"));
  CHECK_FALSE(tree.write("db/x", as_bytes("x")));
  REQUIRE(::mkfifo((folder.path() + "/tree/pipe").c_str(), 0600) == 0);
  CHECK(tree.read("pipe").error().code() == Code::BadInput);
}

TEST_CASE("names of backups are times, and no other name is accepted") {
  CHECK(snapshot_name(1'795'604'523'000'000) == "20261125T110203Z");
  CHECK(is_snapshot_name("20261125T110203Z"));
  for (const char* name :
       {"", ".part", "20261125T110203", "20261125T110203Z2", "20261125t110203Z", "2026112xT110203Z"})
    CHECK_FALSE(is_snapshot_name(name));
}

TEST_CASE("a destination lists complete backups, locks out other runs, and removes incomplete ones") {
  test::TempFolder folder;
  const std::string path = folder.path() + "/dest";
  {
    auto destination = Destination::open(path);
    REQUIRE(destination);
    CHECK(Destination::open(path).error().code() == Code::Busy);
    std::vector<std::string> made;
    for (int number = 0; number < 3; ++number) {
      auto tree = destination->begin();
      REQUIRE(tree);
      REQUIRE(ManifestWriter::begin(*tree, kHeading)->finish());
      const auto name = destination->publish(*tree, kHeading.time);  // the same time each time
      REQUIRE(name);
      made.push_back(*name);
    }
    CHECK(destination->complete().value() == made);
    CHECK(std::is_sorted(made.begin(), made.end()));
    CHECK(destination->remove_older({.last = 2}).value() == std::vector{made[0]});
    fs::create_directories(path + "/20991231T000000Z");  // without a manifest
    CHECK(destination->complete().value() == std::vector{made[1], made[2]});
    REQUIRE(destination->begin());
  }
  CHECK(fs::exists(path + "/.part"));
  REQUIRE(Destination::open(path));
  CHECK_FALSE(fs::exists(path + "/.part"));
}

}  // namespace gw::backup

// Destinations and migrations on file systems that fail or lack a feature.
#include "backup/destination.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>

#include "backup/manifest.h"
#include "backup/migration_target.h"
#include "base/file.h"
#include "support/temp_folder.h"

namespace {

bool without_noreplace = false;  // renameat2(2) fails as on NFS
std::string fails_when_there;    // fsync(2) fails while this path exists

}  // namespace

// Take the place of the C library's functions in this program.
extern "C" int renameat2(int from_folder, const char* from, int to_folder, const char* to,
                         unsigned flags) noexcept {
  if (without_noreplace && flags != 0) {
    errno = EINVAL;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
}
extern "C" int fsync(int fd) {
  if (!fails_when_there.empty() && ::access(fails_when_there.c_str(), F_OK) == 0) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_fsync, fd));
}

namespace gw::backup {
namespace {

namespace fs = std::filesystem;

constexpr Micros kTime = 1'795'608'754'000'000;  // 2026-11-25T12:12:34Z

// A complete backup with a file `head`.
Result<std::string> add_copy(const Destination& destination) {
  auto tree = destination.begin();
  REQUIRE(tree);
  REQUIRE(tree->write("head", as_bytes("1")));
  REQUIRE(tree->write(kManifest, as_bytes("")));
  return destination.publish(*tree, kTime);
}

struct Migration {
  test::TempFolder temp;
  std::string to = temp.path() + "/new";
  std::string from = temp.path() + "/old";
  VaultId vault = random_id<VaultId>();

  Result<MigrationTarget> open(const Result<void>& not_moved = {}) const {
    return MigrationTarget::open(to, vault, from, true, [&] { return not_moved; });
  }
  // A run that ends after it has published.
  void publish() const {
    const auto target = open();
    REQUIRE(target);
    const auto copy = add_copy(target->copies());
    REQUIRE(copy);
    REQUIRE(target->publish(*copy, vault, {"token", from}));
  }
};

}  // namespace

TEST_CASE("a backup whose name may not be durable does not look complete") {
  const test::TempFolder temp;
  const std::string to = temp.path() + "/backups";
  const auto destination = Destination::open(to);
  REQUIRE(destination);
  fails_when_there = to + "/" + snapshot_name(kTime);
  const auto published = add_copy(*destination);
  fails_when_there.clear();
  REQUIRE_FALSE(published);
  CHECK(destination->complete()->empty());
  destination->abandon();
  CHECK(std::distance(fs::directory_iterator(to), fs::directory_iterator()) == 1);  // .lock
}

TEST_CASE("a vault is published and withdrawn also without RENAME_NOREPLACE, and replaces nothing") {
  const Migration migration;
  without_noreplace = GENERATE(false, true);
  migration.publish();
  CHECK(fs::exists(migration.to + "/head"));
  {
    const auto target = migration.open();
    REQUIRE(target);
    CHECK_FALSE(fs::exists(migration.to + "/head"));
    CHECK_FALSE(fs::exists(migration.to + "/format"));
    const std::string copy = target->copies().complete()->back();
    REQUIRE(create_file(migration.to + "/head", as_bytes("mine"), 0600));
    const auto published = target->publish(copy, migration.vault, {"token", migration.from});
    REQUIRE_FALSE(published);
    CHECK(published.error().code() == Code::Exists);
    CHECK(*read_file(migration.to + "/head") == "mine");
  }
  without_noreplace = false;
}

TEST_CASE("a rule keeps the newest backup of each of the last periods that have one") {
  const std::vector<std::string> names{"20251231T120000Z", "20260101T010000Z", "20260103T010000Z",
                                       "20260104T010000Z", "20260105T010000Z", "20260105T230000Z"};
  const auto kept = [&](const gw::backup::Keep& keep) {
    std::vector<std::string> left = names;
    for (const std::string& gone : gw::backup::surplus(names, keep)) std::erase(left, gone);
    return left;
  };
  using Names = std::vector<std::string>;
  CHECK(kept({}) == names);
  CHECK(kept({.last = 2}) == Names{names[4], names[5]});
  CHECK(kept({.last = 9}) == names);
  CHECK(kept({.daily = 3}) == Names{names[2], names[3], names[5]});
  // 2026-01-05 is a Monday.
  CHECK(kept({.weekly = 2}) == Names{names[3], names[5]});
  CHECK(kept({.monthly = 2}) == Names{names[0], names[5]});
  CHECK(kept({.last = 1, .daily = 2, .monthly = 9}) == Names{names[0], names[3], names[5]});
}

TEST_CASE("a published vault is not changed unless the old one has certainly not moved") {
  const Migration migration;
  migration.publish();
  const Error moved(Code::Busy, "just moved");
  CHECK(migration.open(moved).error().code() == Code::Busy);
  CHECK(MigrationTarget::abandon(migration.to, migration.vault, migration.from, [&] { return moved; })
            .error()
            .code() == Code::Busy);
  CHECK(fs::exists(migration.to + "/head"));
  CHECK(store::read_format(migration.to)->arrival->token == "token");
}

}  // namespace gw::backup

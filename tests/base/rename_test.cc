#include "base/rename.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>

#include "base/file.h"
#include "support/temp_folder.h"

namespace gw {
namespace {

namespace fs = std::filesystem;

using Rename = bool (*)(int, const std::string&, int, const std::string&);

TEST_CASE("A rename replaces nothing, on any file system") {
  const Rename rename = GENERATE(&rename_new, &detail::rename_new_by_link);
  const test::TempFolder directory;
  const std::string from = directory.path() + "/from";
  const std::string to = directory.path() + "/to";
  REQUIRE(create_file(from, as_bytes("new"), 0600));
  SECTION("a file, to a name that is free") {
    REQUIRE(rename(AT_FDCWD, from, AT_FDCWD, to));
    CHECK_FALSE(fs::exists(from));
    CHECK(read_file(to).value() == "new");
    CHECK(fs::hard_link_count(to) == 1);
  }
  SECTION("a file, to a name that is taken") {
    REQUIRE(create_file(to, as_bytes("old"), 0600));
    REQUIRE_FALSE(rename(AT_FDCWD, from, AT_FDCWD, to));
    CHECK(errno == EEXIST);
    CHECK(read_file(from).value() == "new");
    CHECK(read_file(to).value() == "old");
  }
  SECTION("a directory") {
    fs::create_directory(directory.path() + "/directory");
    REQUIRE_FALSE(rename(AT_FDCWD, directory.path() + "/directory", AT_FDCWD, from));
    CHECK(errno == EEXIST);
    REQUIRE(rename(AT_FDCWD, directory.path() + "/directory", AT_FDCWD, to));
    CHECK(fs::is_directory(to));
  }
  SECTION("a file that does not exist") {
    REQUIRE_FALSE(rename(AT_FDCWD, directory.path() + "/none", AT_FDCWD, to));
    CHECK(errno == ENOENT);
    CHECK_FALSE(fs::exists(to));
  }
}

}  // namespace
}  // namespace gw

// Listing directories, and the order of RocksDB's files.
#include "store/local/directory_list.h"

#include <algorithm>
#include <fstream>

#include <catch2/catch.hpp>

#include "support/temp_folder.h"

namespace gw::store {
namespace {

TEST_CASE("every name in a directory is listed, and a directory that cannot be read is an error") {
  const test::TempFolder folder;
  for (const char* name : {"a", "b", ".c"}) std::ofstream(folder.path() + "/" + name) << "x";
  auto names = names_in(folder.path());
  REQUIRE(names);
  std::sort(names->begin(), names->end());
  CHECK(*names == std::vector<std::string>{".c", "a", "b"});
  CHECK(names_in(folder.path() + "/none").error().code() == Code::NotFound);
  CHECK_FALSE(names_in(folder.path() + "/a"));
}

TEST_CASE("files of the database are ordered by number, also from the millionth on") {
  CHECK(file_number("000012.log") == 12);
  CHECK(file_number("MANIFEST-1000000") == 1'000'000);
  CHECK(file_number("CURRENT") == 0);
  for (const std::string kind : {"MANIFEST-", ""}) {
    std::vector<std::string> names{kind + "1000000.log", kind + "000007.log", kind + "999999.log"};
    CHECK(*std::max_element(names.begin(), names.end(), is_older_file) == kind + "1000000.log");
    std::sort(names.begin(), names.end(), is_older_file);
    CHECK(names.front() == kind + "000007.log");
  }
}

}  // namespace
}  // namespace gw::store

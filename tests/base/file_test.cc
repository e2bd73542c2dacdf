#include "base/file.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "support/temp_folder.h"

using namespace gw;

TEST_CASE("A file is created once, with its mode, and replaced as a whole") {
  const test::TempFolder directory;
  const std::string path = directory.path() + "/key";
  REQUIRE(create_file(path, as_bytes("one"), 0600));
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  const auto again = create_file(path, as_bytes("two"), 0600);
  REQUIRE_FALSE(again);
  CHECK(again.error().code() == Code::Exists);
  CHECK(*read_file(path) == "one");
  REQUIRE(replace_file(path, as_bytes("three"), 0600));
  CHECK(*read_file(path) == "three");
}

TEST_CASE("A failed read says what is wrong") {
  const test::TempFolder directory;
  const auto missing = read_file(directory.path() + "/none");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code() == Code::NotFound);
  CHECK(missing.error().text() == directory.path() + "/none: No such file or directory");
  REQUIRE(create_file(directory.path() + "/long", as_bytes("12345"), 0600));
  CHECK(*read_file(directory.path() + "/long", 5) == "12345");
  CHECK(read_file(directory.path() + "/long", 4).error().code() == Code::BadInput);
}

TEST_CASE("A secret is the first line of its file") {
  const test::TempFolder directory;
  const auto read = [&](std::string_view content) {
    const std::string path = directory.path() + "/secret";
    REQUIRE(replace_file(path, as_bytes(content), 0600));
    const auto fd = open_for_reading(path);
    return read_secret(fd->get(), path, 16);
  };
  CHECK(read("word\nmore")->text() == "word");
  CHECK(read("word\r\n")->text() == "word");
  CHECK(read("word")->text() == "word");
  CHECK(read("\n").error().code() == Code::BadInput);
  CHECK(read("12345678901234567").error().code() == Code::BadInput);
}

TEST_CASE("An error keeps its code, and context is put in front of it") {
  const Error error = Error::from_errno("/x", ENOSPC).within("cannot write");
  CHECK(error.code() == Code::Full);
  CHECK(error.text() == "cannot write: /x: No space left on device");
  CHECK(exit_status(error.code()) == 75);
  CHECK(exit_status(Code::Corrupt) == 65);
}

TEST_CASE("A file that cannot be created for lack of descriptors is kept if it existed before") {
  const test::TempFolder directory;
  const std::string path = directory.path() + "/key";
  REQUIRE(create_file(path, as_bytes("one"), 0600));
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const rlimit none{0, limit.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const auto made = create_file(path, as_bytes("two"), 0600);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  REQUIRE_FALSE(made);
  CHECK(made.error().code() == Code::Busy);
  const auto kept = read_file(path);
  REQUIRE(kept);
  CHECK(*kept == "one");
}

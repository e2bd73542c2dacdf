#include "proxy/fingerprint_key.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <thread>

#include "base/file.h"
#include "base/log.h"
#include "support/temp_folder.h"

using namespace gw;

namespace {

unsigned mode_of(const std::string& path) {
  struct stat facts {};
  REQUIRE(::stat(path.c_str(), &facts) == 0);
  return facts.st_mode & 07777U;
}

}  // namespace

TEST_CASE("The fingerprint key is generated once, readable by its user only, and read from then on") {
  log::open("gate_tests", log::Target::Nowhere);
  const test::TempFolder directory;
  const std::string file = directory.path() + "/state/gw/fingerprint.key";
  const auto made = proxy::fingerprint_key(file);
  REQUIRE(made);
  CHECK(made->size() == 32);
  CHECK(mode_of(file) == 0600);
  CHECK(mode_of(directory.path() + "/state") == 0700);
  const auto again = proxy::fingerprint_key(file);
  REQUIRE(again);
  CHECK(again->text() == made->text());
  const auto text = read_file(file);
  REQUIRE(text);
  CHECK(*text == to_hex(made->view()) + "\n");
  const auto other = proxy::fingerprint_key(directory.path() + "/other.key");
  REQUIRE(other);
  CHECK(other->text() != made->text());
}

TEST_CASE("Processes that start at the same time have the same fingerprint key") {
  log::open("gate_tests", log::Target::Nowhere);
  const test::TempFolder directory;
  std::array<std::string, 8> keys;
  std::vector<std::thread> threads;
  for (std::string& key : keys)
    threads.emplace_back([&] {
      const auto made = proxy::fingerprint_key(directory.path() + "/fingerprint.key");
      key = made ? to_hex(made->view()) : made.error().text();
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& key : keys) CHECK(key == keys.front());
  CHECK(std::distance(std::filesystem::directory_iterator(directory.path()), {}) == 1);
}

TEST_CASE("A file that does not contain a fingerprint key is refused and not changed") {
  log::open("gate_tests", log::Target::Nowhere);
  const test::TempFolder directory;
  const std::string file = directory.path() + "/fingerprint.key";
  for (const std::string text : {"short\n", "zz"}) {
    std::ofstream(file) << text;
    const auto key = proxy::fingerprint_key(file);
    REQUIRE_FALSE(key);
    CHECK(key.error().code() == Code::Config);
    CHECK(*read_file(file) == text);
  }
}

TEST_CASE("The fingerprint key is at the option's path, a credential, in the state directory, or at home") {
  const test::TempFolder directory;
  std::ofstream(directory.path() + "/fingerprint.key") << std::string(64, 'a') << "\n";
  const auto with = [](const char* name, const std::string& value) {
    value.empty() ? ::unsetenv(name) : ::setenv(name, value.c_str(), 1);
  };
  with("CREDENTIALS_DIRECTORY", "");
  with("STATE_DIRECTORY", "");
  const char* home = std::getenv("HOME");
  const std::string before = home == nullptr ? "" : home;
  with("HOME", "/home/joe");
  CHECK(*proxy::fingerprint_key_file("/elsewhere") == "/elsewhere");
  CHECK(*proxy::fingerprint_key_file("") == "/home/joe/.local/state/gw/fingerprint.key");
  with("STATE_DIRECTORY", "/var/lib/gw-proxy:/var/lib/other");
  CHECK(*proxy::fingerprint_key_file("") == "/var/lib/gw-proxy/fingerprint.key");
  with("CREDENTIALS_DIRECTORY", "/nowhere");
  CHECK(*proxy::fingerprint_key_file("") == "/var/lib/gw-proxy/fingerprint.key");
  with("CREDENTIALS_DIRECTORY", directory.path());
  CHECK(*proxy::fingerprint_key_file("") == directory.path() + "/fingerprint.key");
  with("CREDENTIALS_DIRECTORY", "");
  with("STATE_DIRECTORY", "");
  with("HOME", before);
}

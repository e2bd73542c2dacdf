// What another process does between the steps of PartFile::open().
#include "transfer/part_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <utility>

#include "base/file.h"
#include "support/temp_folder.h"

namespace {

// Called once, before the next lock is taken.
std::function<void()> before_lock;

}  // namespace

// Takes the place of the C library's function in this program.
extern "C" int flock(int fd, int how) noexcept {
  if (const auto meanwhile = std::exchange(before_lock, nullptr)) meanwhile();
  return static_cast<int>(::syscall(SYS_flock, fd, how));
}

namespace gw::transfer {
namespace {

struct Parts {
  test::TempFolder temp;
  Fd folder{::open(temp.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  std::string path = temp.path() + "/.x.part";

  Result<void> open(PartFile& part, bool go_on = false) const {
    return part.open(folder.get(), ".x.part", "x", go_on);
  }
};

TEST_CASE("a part that another process locks before its creator belongs to that process") {
  const Parts parts;
  const bool go_on = GENERATE(false, true);
  PartFile first, second;
  before_lock = [&] { REQUIRE(parts.open(second, go_on)); };
  const auto opened = parts.open(first);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code() == Code::Busy);
  REQUIRE(second.write(as_bytes("whole")));
  REQUIRE(second.publish(parts.folder.get(), "x", 0));
  CHECK(*read_file(parts.temp.path() + "/x") == "whole");
}

TEST_CASE("a part is created again if another process finished with the name before the lock") {
  const Parts parts;
  const bool go_on = GENERATE(false, true);
  const bool left = GENERATE(false, true);
  if (left) REQUIRE(create_file(parts.path, as_bytes("left"), 0600));
  PartFile part;
  before_lock = [&] { std::filesystem::remove(parts.path); };
  REQUIRE(parts.open(part, go_on));
  REQUIRE(part.write(as_bytes("whole")));
  REQUIRE(part.publish(parts.folder.get(), "x", 0));
  CHECK(*read_file(parts.temp.path() + "/x") == "whole");
}

TEST_CASE("a part whose name another process has used meanwhile is not written") {
  const Parts parts;
  REQUIRE(create_file(parts.path, as_bytes("left"), 0600));
  PartFile first, second;
  before_lock = [&] {
    REQUIRE(parts.open(second));
    REQUIRE(second.write(as_bytes("half")));
  };
  const auto opened = parts.open(first, true);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code() == Code::Busy);
  CHECK(*read_file(parts.path) == "half");
}

}  // namespace
}  // namespace gw::transfer

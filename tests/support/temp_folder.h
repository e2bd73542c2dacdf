// A temporary directory, which the destructor removes.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace gw::test {

class TempFolder {
 public:
  explicit TempFolder(const std::filesystem::path& base = std::filesystem::temp_directory_path()) {
    std::string name = base / "gw-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A directory in memory if the machine has one: for tests that create many files and do not test a disk.
inline std::filesystem::path quick_folder() {
  std::error_code ignored;
  const std::filesystem::path shared = "/dev/shm";
  const auto room = std::filesystem::space(shared, ignored);
  return !ignored && room.available > (1U << 30) ? shared : std::filesystem::temp_directory_path();
}

}  // namespace gw::test

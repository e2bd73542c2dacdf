// A vault for a test, whose clocks the test moves, and that it can open again, kill and damage.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "store/local/head.h"
#include "store/local/local_store.h"
#include "support/store_contract.h"
#include "support/temp_folder.h"

namespace gw::store {

namespace fs = std::filesystem;

class LocalVault {
 public:
  explicit LocalVault(const fs::path& base = test::quick_folder()) : folder_(base) {
    options.path = folder_.path() + "/vault";
    options.signer = contract::plain_signer();
    options.clock = [clocks = clocks] { return clocks->wall; };
    options.boot_clock = [clocks = clocks] { return clocks->boot; };
    REQUIRE(create_local_store(options.path, id, as_bytes("age1test"), options.clock));
  }

  std::unique_ptr<Store> open() const {
    auto opened = open_local_store(options);
    INFO((opened ? "" : opened.error().text()));
    REQUIRE(opened);
    return std::move(*opened);
  }

  // Makes the vault what a kill -9 at this moment leaves: all writes are there, and nothing was closed.
  void kill(std::unique_ptr<Store> store) {
    const std::string copy = folder_.path() + "/copy" + std::to_string(++copies_);
    // RocksDB removes files in the background: the copy counts only if no file changed meanwhile.
    for (std::string before = listing();;) {
      std::error_code error;
      fs::copy(options.path, copy, fs::copy_options::recursive, error);
      std::string after = listing();
      if (!error && before == after) break;
      fs::remove_all(copy);
      before = std::move(after);
    }
    store.reset();
    fs::remove_all(options.path);
    fs::rename(copy, options.path);
  }

  // Waits until the head file has everything that was acknowledged.
  void await_head(Store& store) const {
    const std::uint64_t commits = store.health().value().commits;
    for (;;) {
      const auto file = HeadFile::open(options.path);
      REQUIRE(file);
      if (file->head().point.number >= commits) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  // Returns the files of the vault whose names have this ending, the largest first.
  std::vector<fs::path> files(const std::string& folder, const std::string& end) const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(options.path + "/" + folder)) {
      if (entry.is_regular_file() && entry.path().string().ends_with(end)) found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end(),
              [](const auto& a, const auto& b) { return fs::file_size(a) > fs::file_size(b); });
    return found;
  }

  static void flip(const fs::path& path, std::uint64_t at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    REQUIRE(file);
    file.seekg(static_cast<std::streamoff>(at));
    const int byte = file.get();
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(byte ^ 0x20));
  }

  const VaultId id = random_id<VaultId>();
  const std::shared_ptr<contract::Clocks> clocks = std::make_shared<contract::Clocks>();
  LocalOptions options;

 private:
  std::string listing() const {
    std::vector<std::string> names;
    std::error_code gone;
    for (const auto& entry : fs::directory_iterator(options.path + "/db"))
      names.push_back(entry.path().filename().string() + " " + std::to_string(entry.file_size(gone)) + "\n");
    std::sort(names.begin(), names.end());
    std::string all;
    for (const std::string& name : names) all += name;
    return all;
  }

  test::TempFolder folder_;
  int copies_ = 0;
};

}  // namespace gw::store

// Snapshots of a vault: a folder with a second name for every file that never changes, and copies of the few
// that do. Below VAULT/snapshot, and there only while somebody copies it.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "store/local/engine.h"
#include "store/local/head.h"
#include "store/local/large.h"
#include "store/store.h"

namespace gw::store {

class SnapshotFolder;  // the one that there is

// Removes what an ended keeper has left. Only with the vault's lock.
void clear_snapshots(const std::string& vault);

class Snapshots {
 public:
  explicit Snapshots(const std::string& vault) : vault_(vault) {}

  // `point` is called once nothing can vanish any more, and says how far commits go by then. Busy: there is
  // one.
  Result<std::unique_ptr<Snapshot>> make(const Engine& engine, LargeFiles& large,
                                         const std::function<CommitPoint()>& point);
  // Gives its room back now: whoever copies it hears Full. Nothing, where there is none.
  void give_up();
  // The number of the newest one, and whether any up to that number still has its files.
  std::uint64_t last();
  bool remain(std::uint64_t number) const;

 private:
  Result<std::shared_ptr<SnapshotFolder>> take();

  const std::string vault_;
  std::mutex mutex_;
  std::uint64_t number_ = 0;
  std::weak_ptr<SnapshotFolder> current_;
};

}  // namespace gw::store

// Snapshots of a vault for backup and migration: a directory below VAULT/snapshot with hard links
// to every file that never changes and copies of the few that do. It exists only while it is
// copied.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "store/local/engine.h"
#include "store/local/head.h"
#include "store/local/large_message.h"
#include "store/store.h"

namespace gw::store {

// The directory of one snapshot; see snapshot.cc.
class SnapshotFolder;

// Removes what a keeper that was killed has left. The caller holds the vault lock.
void clear_snapshots(const std::string& vault);

// Creates snapshots, at most one at a time. Thread-safe.
class Snapshots {
 public:
  explicit Snapshots(const std::string& vault) : vault_(vault) {}

  // Creates a snapshot. `point` is called after removals of large files are held and before the
  // database is copied; it returns the last commit at that moment. Fails with Busy if there is a
  // snapshot, Full if the disk fills.
  Result<std::unique_ptr<Snapshot>> make(const Engine& engine, LargeFiles& large,
                                         const std::function<CommitPoint()>& point);
  // Removes the files of the current snapshot immediately; its reader gets Full. Does nothing if
  // there is none.
  void give_up();
  // Returns the number of the newest snapshot; 0 if there was none.
  std::uint64_t last();
  // Returns true if a snapshot up to that number is in use. Removes what is left of those that are
  // not, and fails if that is not possible.
  Result<bool> remain(std::uint64_t number);

 private:
  // Creates the directory for the next one. Fails with Busy.
  Result<std::shared_ptr<SnapshotFolder>> take();

  const std::string vault_;
  std::mutex mutex_;
  std::uint64_t number_ = 0;
  // Owned by the LocalSnapshot, so that it ends with it.
  std::weak_ptr<SnapshotFolder> current_;
};

}  // namespace gw::store

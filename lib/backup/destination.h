// The directory that holds backups: DEST/<UTC time>, each with all files of a vault and a manifest.
//
// Incomplete directories have names with a leading dot: `.part` while a backup is written, `.gone`
// while one is removed. They get their final name with one rename after everything is synced, so a
// directory without the dot is complete, also after a power failure. A process that writes holds a
// lock on DEST/.lock. A run that continues an interrupted one renames `.part` to `.left-1` and so
// on, to link its files, and removes them once a backup is complete.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backup/tree.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"

namespace gw::backup {

// Returns the name of a backup of this time, to the second: `20261125T110203Z`.
std::string snapshot_name(Micros time);
// Returns whether the name has this form.
bool is_snapshot_name(std::string_view name);

// Which backups to keep: the union of what the rules keep. Days, weeks (from Monday) and months are
// those of UTC.
struct Keep {
  std::size_t last = 0;     // the newest so many
  std::size_t daily = 0;    // the newest of each of the newest so many days that have a backup
  std::size_t weekly = 0;   // the same for weeks
  std::size_t monthly = 0;  // the same for months
};
// Returns those of the names, sorted from the oldest, that `keep` does not keep. If it has no rule,
// that is none.
std::vector<std::string> surplus(const std::vector<std::string>& names, const Keep& keep);

// Holds the lock for as long as it lives. Not thread-safe.
class Destination {
 public:
  // Creates the directory if it does not exist, locks it, and removes what an interrupted run left;
  // with `go_on`, keeps that for linking. Fails with Busy if another process holds the lock.
  static Result<Destination> open(const std::string& path, bool go_on = false);

  // Returns the names of the complete backups, the oldest first.
  Result<std::vector<std::string>> complete() const { return complete_in(folder_.get(), path_); }
  // Opens a backup, complete or not, by its name.
  Result<Tree> open_snapshot(const std::string& name) const;
  // left() returns the names of what interrupted runs left; remove_left() removes it, once a
  // complete backup has linked what it could use.
  Result<std::vector<std::string>> left() const;
  Result<void> remove_left() const;

  // Creates `.part`, to be filled and then passed to publish().
  Result<Tree> begin() const;
  // Syncs the tree and gives it its final name, which is returned. The name sorts after all others,
  // even if the clock was set back. After an error it is `.part` again.
  Result<std::string> publish(const Tree& tree, Micros time) const;
  // Removes what begin() created. Errors are ignored; the next open() removes what stays.
  void abandon() const;

  // Removes the complete backups that are surplus, and returns their names.
  Result<std::vector<std::string>> remove_older(const Keep& keep) const;

  // Returns the path that open() was given.
  const std::string& path() const { return path_; }

  // Returns the names of the complete backups in a directory that is open, without locking it;
  // `shown` is its path in error texts. For readers.
  static Result<std::vector<std::string>> complete_in(int folder, const std::string& shown);
  // Returns the names of all directories there that have the name of a backup, also those without a
  // manifest.
  static Result<std::vector<std::string>> named_in(int folder, const std::string& shown);

 private:
  Destination() = default;
  // Renames `.part` to the next free `.left-N`.
  Result<void> keep_part() const;
  Fd folder_;
  Fd lock_;
  std::string path_;
};

}  // namespace gw::backup

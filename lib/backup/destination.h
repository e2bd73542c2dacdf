// The folder that backups go to: DEST/<UTC time>, each a whole vault's folder and its manifest.
//
// What is not whole has a name with a dot in front: `.part` while it is written, `.gone` while it is removed.
// So a name without one is complete, also after a power cut. DEST/.lock is held by the one who writes there.
// Who goes on with an interrupted run keeps what there is of it as `.left-1` and so on, until one is
// complete.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backup/tree.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"

namespace gw::backup {

// `20261125T110203Z`
std::string snapshot_name(Micros time);
bool is_snapshot_name(std::string_view name);

class Destination {
 public:
  // Makes the folder if it is not there, takes the lock (Busy), and removes what an interrupted run left; or
  // with `go_on`, keeps it.
  static Result<Destination> open(const std::string& path, bool go_on = false);

  // Names of those that are complete, the oldest first.
  Result<std::vector<std::string>> complete() const { return complete_in(folder_.get(), path_); }
  Result<Tree> open_snapshot(const std::string& name) const;
  // What interrupted runs left, and what was kept of it is of no more use.
  Result<std::vector<std::string>> left() const;
  Result<void> remove_left() const;

  // A new one, to be filled, then published.
  Result<Tree> begin() const;
  // Synced, and then complete; its name is behind all others whatever the clock says. Gives it.
  Result<std::string> publish(const Tree& tree, Micros time) const;
  void abandon() const;  // what begin() made

  // All but the newest `keep`. Gives those that are gone.
  Result<std::vector<std::string>> remove_older(std::size_t keep) const;

  const std::string& path() const { return path_; }

  static Result<std::vector<std::string>> complete_in(int folder, const std::string& shown);

 private:
  Destination() = default;
  Result<void> keep_part() const;
  Fd folder_;
  Fd lock_;
  std::string path_;
};

}  // namespace gw::backup

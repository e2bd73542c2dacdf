// Restores a vault from a backup. Every file is compared with the manifest while it is copied, and
// the target directory becomes a vault only after everything is there.
//
//   auto source = Source::open(path);
//   auto target = Target::open(directory);
//   auto bad = source->copy(&target->tree(), damaged, pulse);
//   if (bad && *bad == 0) target->publish();
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "backup/manifest.h"
#include "backup/tree.h"
#include "base/result.h"

namespace gw::backup {

// A backup to restore from. It is opened for reading, without a lock.
class Source {
 public:
  // Opens the backup in this directory; if the directory holds several backups, the newest one.
  // Fails with NotFound if there is no backup, with Corrupt if its manifest is damaged, and with
  // Version if a newer gw wrote it.
  static Result<Source> open(const std::string& path);

  const std::string& path() const { return tree_.shown(); }
  const Heading& heading() const { return manifest_.heading(); }
  // Names of directories beside this backup that have the name of a backup and no manifest. Empty if
  // open() was given the backup itself.
  const std::vector<std::string>& incomplete() const { return incomplete_; }
  // Number and bytes of all files, by the manifest.
  std::uint64_t files() const { return manifest_.files(); }
  std::uint64_t size() const { return manifest_.size(); }

  // Reads every file, and copies it to `to` unless that is null. Calls `damaged` for each file that
  // is missing or does not match the manifest, and returns how many these are. Call it once. Fails
  // with Busy if `pulse` returned false, and with the errors of `to`.
  using Damaged = std::function<void(const std::string& name, std::string_view what)>;
  Result<std::uint64_t> copy(Tree* to, const Damaged& damaged, const Pulse& pulse);

 private:
  Source(Tree tree, ManifestReader manifest) : tree_(std::move(tree)), manifest_(std::move(manifest)) {}
  Tree tree_;
  ManifestReader manifest_;
  std::vector<std::string> incomplete_;
};

// The directory that becomes the vault. The files are in DIR/.restore until publish(). If the
// object is destroyed before that, everything it created is removed.
class Target {
 public:
  // Opens the directory, which may be absent (it is created), empty, or left by an interrupted
  // restore (whose files are removed). Fails with Exists if it contains anything else. If root
  // restores into another user's directory, the files belong to that user.
  static Result<Target> open(const std::string& path);
  Target(Target&&) noexcept;
  Target& operator=(Target&&) = delete;
  ~Target();

  // Returns the tree to copy into. Invalid after publish().
  Tree& tree() { return *tree_; }
  // Returns the path of the vault's files before publish(), for opening and verifying it there.
  const std::string& folder() const { return tree_->shown(); }
  // Fails with Full and exit status 74 if the file system has less than `size` bytes free.
  Result<void> room_for(std::uint64_t size) const;
  // Syncs the files and moves them into the directory, `format` last: without that file no program
  // takes the directory for a vault.
  Result<void> publish();

 private:
  Target() = default;
  std::string path_;
  Fd folder_;
  bool made_ = false;
  std::optional<Tree> tree_;
};

}  // namespace gw::backup

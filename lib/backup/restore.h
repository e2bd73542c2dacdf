// Out of a backup: every file compared with its manifest on the way, and a vault only once all of it is
// there.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "backup/manifest.h"
#include "backup/tree.h"
#include "base/result.h"

namespace gw::backup {

class Source {
 public:
  // One backup's folder, or one with several: then its newest. NotFound, Corrupt (its manifest), Version.
  static Result<Source> open(const std::string& path);

  const std::string& path() const { return tree_.shown(); }
  const Heading& heading() const { return manifest_.heading(); }
  std::uint64_t files() const { return manifest_.files(); }
  std::uint64_t octets() const { return manifest_.octets(); }

  // Once: reads every file, into `to` where it is given, and calls `damaged` for each that is not what the
  // manifest says, or missing. Gives how many.
  using Damaged = std::function<void(const std::string& name, std::string_view what)>;
  Result<std::uint64_t> copy(Tree* to, const Damaged& damaged, const Pulse& pulse);

 private:
  Source(Tree tree, ManifestReader manifest) : tree_(std::move(tree)), manifest_(std::move(manifest)) {}
  Tree tree_;
  ManifestReader manifest_;
};

// The folder that becomes a vault. Filled in DIR/.restore; destroyed before it is published, nothing of it
// stays.
class Target {
 public:
  // Absent (then it is made), empty, or left by an interrupted restore (then that goes first). Exists:
  // anything else. Root restores for the owner of a folder that is there already.
  static Result<Target> open(const std::string& path);
  Target(Target&&) noexcept;
  Target& operator=(Target&&) = delete;
  ~Target();

  Tree& tree() { return *tree_; }
  const std::string& folder() const { return tree_->shown(); }  // of the vault, until it is published
  // Full, exit status 74, where these octets have no room.
  Result<void> room_for(std::uint64_t octets) const;
  // Synced, under its name, and a vault from the last step on.
  Result<void> publish();

 private:
  Target() = default;
  std::string path_;
  Fd folder_;
  bool made_ = false;
  std::optional<Tree> tree_;
};

}  // namespace gw::backup

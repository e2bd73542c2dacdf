// A directory with the files of a vault, in a backup or in a vault that is being restored. Files
// are synced as they are written, and no path component is followed through a symbolic link,
// because another user may have put one there.
//
//   auto tree = Tree::make(parent, ".part", shown);
//   tree->write("db/000012.sst", from, pulse);  ...  tree->sync();
//
// Names have one or two parts, `head` or `db/000012.sst`, see valid_name(); any other name fails
// with BadInput. All functions return the system's errors; if a target is full or cannot be written
// the exit status is 74, if a file cannot be created 73 (transfer/part_file.h). Not thread-safe.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/result.h"

namespace gw::backup {

// Called during a copy with the number of bytes since the last call. If it returns false, the
// operation stops and fails with Busy.
using Pulse = std::function<bool(std::uint64_t size)>;

// Returns whether the name has one or two parts, separated by a slash, each of at most 128 letters,
// digits, `.`, `_` and `-` and without a leading dot.
bool valid_name(std::string_view name);

// The user and group that own new files.
struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
};

// Size and digest of copied bytes.
struct Written {
  std::uint64_t size = 0;
  Digest sha256{};
};

class Tree {
 public:
  // Creates a directory with mode 0700 in the directory `parent`. Everything that is created in it
  // later belongs to `owner`, if one is given. `shown` is the path in error texts. Fails with
  // Exists if the name is taken.
  static Result<Tree> make(int parent, const std::string& name, std::string shown,
                           std::optional<Owner> owner = std::nullopt);
  // Opens an existing directory.
  static Result<Tree> open(int parent, const std::string& name, std::string shown);

  // Returns its path.
  const std::string& shown() const { return shown_; }
  // Returns its descriptor, which stays owned by the tree.
  int root() const { return root_.get(); }

  // Opens a file for reading. Fails with NotFound, and with BadInput if it is not a regular file.
  Result<Fd> read(const std::string& name) const;
  // Creates a file with mode 0600 from everything that can be read from `from`, or from `data`,
  // and syncs it. Returns size and digest of what was written. Fails with Exists if the name is
  // taken. Missing directories are created.
  Result<Written> write(const std::string& name, int from, const Pulse& pulse);
  Result<Written> write(const std::string& name, ByteView data);
  // Creates a hard link to the file of this name in `from`. Returns false if the file system does
  // not support that, or for any other reason; the caller then writes the file.
  bool link(const Tree& from, const std::string& name);
  // Removes a file. Errors are ignored: creating the file again would report them.
  void remove(const std::string& name);
  // Returns the digest of the file's content on the disk. Asks the kernel to drop its cached pages
  // first, so that a write that did not reach the disk intact is noticed.
  Result<Digest> digest(const std::string& name, const Pulse& pulse) const;
  // Returns whether the file has further hard links, i.e. was created by link().
  bool shared(const std::string& name) const;

  // Creates a subdirectory with mode 0700 unless it exists.
  Result<void> make_folder(const std::string& name);
  // Syncs the directories that were used. Files are synced when they are written.
  Result<void> sync() const;

 private:
  Tree(Fd root, std::string shown, std::optional<Owner> owner)
      : root_(std::move(root)), shown_(std::move(shown)), owner_(owner) {}
  // The place that a name leads to: an open directory, owned by the tree, and the file's name in
  // it.
  struct Place {
    int folder = -1;
    std::string file;
  };
  // Resolves a name; with `make`, creates the directory in it if needed.
  Result<Place> place(const std::string& name, bool make);
  Result<Place> place(const std::string& name) const;
  std::string path(const std::string& name) const { return shown_ + "/" + name; }
  Result<Fd> create(const std::string& name);

  Fd root_;
  std::string shown_;
  std::optional<Owner> owner_;
  mutable std::map<std::string, Fd> folders_;
};

// Copies from one descriptor to another, or only reads if `to` is -1. Returns the number of bytes
// and their digest. `shown` is the path in error texts.
Result<Written> copy(int from, int to, const std::string& shown, const Pulse& pulse);

// Removes a file or a directory with everything in it; succeeds if there is nothing at `path`.
Result<void> remove_tree(const std::string& path);

}  // namespace gw::backup

// A folder with a vault's files, in a backup or about to be a vault: written so that it stays after a power
// cut, and never through a link that somebody put there.
//
//   auto tree = Tree::make(parent, ".part", shown);
//   tree->write("db/000012.sst", from, pulse);  ...  tree->sync();
//
// Names have one or two parts, `head` or `db/000012.sst`; anything else is refused (valid_name).
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

// Told how many octets have gone by since the last time. False: stop; what is under way ends with Busy.
using Pulse = std::function<bool(std::uint64_t octets)>;

// Of letters, digits, `.`, `_` and `-`, not beginning with a dot, in one part or two.
bool valid_name(std::string_view name);

struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
};

struct Written {
  std::uint64_t octets = 0;
  Digest sha256{};
};

class Tree {
 public:
  // A new folder, 0700. Exists. What is made in it belongs to `owner`, if one is given.
  static Result<Tree> make(int parent, const std::string& name, std::string shown,
                           std::optional<Owner> owner = std::nullopt);
  static Result<Tree> open(int parent, const std::string& name, std::string shown);

  const std::string& shown() const { return shown_; }  // its path
  int root() const { return root_.get(); }

  // For reading; NotFound; BadInput where it is no plain file.
  Result<Fd> read(const std::string& name) const;
  // All that comes from there, as a new file, 0600 and synced.
  Result<Written> write(const std::string& name, int from, const Pulse& pulse);
  Result<Written> write(const std::string& name, ByteView octets);
  // The same file as in `from`. False: the file system does not do that.
  bool link(const Tree& from, const std::string& name);
  void remove(const std::string& name);
  // What is on the disk, and not in memory where the system can tell them apart.
  Result<Digest> digest(const std::string& name, const Pulse& pulse) const;
  // Whether it has further names (link).
  bool shared(const std::string& name) const;

  Result<void> make_folder(const std::string& name);
  Result<void> sync() const;  // the folders; files are synced as they are written

 private:
  Tree(Fd root, std::string shown, std::optional<Owner> owner)
      : root_(std::move(root)), shown_(std::move(shown)), owner_(owner) {}
  struct Place {
    int folder = -1;
    std::string file;
  };
  Result<Place> place(const std::string& name, bool make);
  Result<Place> place(const std::string& name) const;
  std::string path(const std::string& name) const { return shown_ + "/" + name; }
  Result<Fd> create(const std::string& name);

  Fd root_;
  std::string shown_;
  std::optional<Owner> owner_;
  mutable std::map<std::string, Fd> folders_;
};

// Copies, and gives what went by.
Result<Written> copy(int from, int to, const std::string& shown, const Pulse& pulse);

// Removes a file or a directory with everything in it; succeeds if there is nothing at `path`.
Result<void> remove_tree(const std::string& path);

}  // namespace gw::backup

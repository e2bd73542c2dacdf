// Creating the sockets' directory as the owner of the vault, even if the process runs as root.
//
// Files that root creates in a directory of another user would belong to root, and a symbolic link
// that this user planted there could redirect the write. So a root process switches its file system
// identity to the owner before it touches the vault's directory or the directory of the sockets.
// The process keeps all its other privileges; become_owner() in cmd/store/commands.h is the call
// that gives them up for good.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.h"
#include "keeper/start.h"

namespace gw::keeper {

// User and group of the vault's directory.
struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
};

// Sets the file system user and group of the calling thread to `owner` for as long as the object
// lives (setfsuid(2)). Does nothing unless the effective user is root and `owner` is not. Create
// and destroy it in the same thread; other threads are not affected.
class ScopedFsUid {
 public:
  explicit ScopedFsUid(const Owner& owner);
  ~ScopedFsUid();
  ScopedFsUid(const ScopedFsUid&) = delete;
  ScopedFsUid& operator=(const ScopedFsUid&) = delete;

 private:
  bool changed_ = false;
};

// Creates the directory `place.run` unless it exists. It belongs to `owner`, with mode 0700 if
// is_private(place) and 0755 otherwise. An existing directory keeps its owner and mode. Fails with
// the error of mkdir(2).
Result<void> make_run_folder(const Place& place, const Owner& owner);
// Returns whether only the vault's owner may reach the sockets: they are in the vault itself or in
// its stand-in.
bool is_private(const Place& place);
// Returns the directory that replaces VAULT/run if the vault is on a file system that is mounted
// read-only, where no socket can be created: /tmp/gw-UID-DEVICE-INODE, see gw-keeper(7). Creates it
// if it does not exist. Returns nullopt if the file system is writable, if a keeper still listens
// in VAULT/run, or if the directory is not exclusively the owner's (another user may have created
// it first).
std::optional<std::string> stand_in(const std::string& vault);

}  // namespace gw::keeper

// Root that makes something in a vault's folder makes it as the vault's owner, so that the owner can use it
// and no link in the owner's folder leads root astray.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.h"
#include "keeper/start.h"

namespace gw::keeper {

struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
};

// For this thread's files, while it lives, and where the thread is root's: setfsuid(2).
class AsOwner {
 public:
  explicit AsOwner(const Owner& owner);
  ~AsOwner();
  AsOwner(const AsOwner&) = delete;
  AsOwner& operator=(const AsOwner&) = delete;

 private:
  bool changed_ = false;
};

// Makes the sockets' directory unless it is there: the owner's, with mode 0700 if is_private(), else 0755.
Result<void> make_run_folder(const Place& place, const Owner& owner);
// Whether the sockets are for the vault's owner alone: in the vault, or in its stand-in.
bool is_private(const Place& place);
// The directory that stands in for VAULT/run while the vault is on a file system that is mounted read-only,
// where no socket can be made; made if it is not there. None if the file system is not, if a keeper still
// listens in VAULT/run, or if the directory is not the vault's owner's alone.
std::optional<std::string> stand_in(const std::string& vault);

}  // namespace gw::keeper

// The vault lock: the right to be the only process that has a vault open.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace gw::store {

// Holds VAULT/lock with flock(2). The file contains the process id for people. The kernel releases
// the lock when the process dies, so a stale lock file does no harm. A child created by fork is not
// the holder, although it inherits the descriptor.
class VaultLock {
 public:
  // Takes the lock. Fails with Busy if another process holds it; the text names its process id.
  static Result<VaultLock> take(const std::string& vault);
  VaultLock(VaultLock&&) noexcept = default;
  VaultLock& operator=(VaultLock&&) noexcept = default;

  // Returns true in the process that took the lock, false in a forked child.
  bool mine() const;
  // Returns a second handle to the same lock, which is released with the last of them.
  Result<VaultLock> shared() const;

 private:
  VaultLock(Fd fd, pid_t pid) : fd_(std::move(fd)), pid_(pid) {}
  Fd fd_;
  pid_t pid_;
};

}  // namespace gw::store

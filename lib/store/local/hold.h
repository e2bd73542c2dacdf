// The right to be the one process that has a vault open.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace gw::store {

// VAULT/lock, locked with flock and holding our pid for people. A process that dies lets go of it; a child
// made by fork is not the holder, whatever it inherited.
class Hold {
 public:
  // Busy: another process has it, named in the text.
  static Result<Hold> take(const std::string& vault);
  Hold(Hold&&) noexcept = default;
  Hold& operator=(Hold&&) noexcept = default;

  bool mine() const;
  // The same right once more: it ends with the last of them.
  Result<Hold> shared() const;

 private:
  Hold(Fd fd, pid_t pid) : fd_(std::move(fd)), pid_(pid) {}
  Fd fd_;
  pid_t pid_;
};

}  // namespace gw::store

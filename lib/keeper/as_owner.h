// Root that makes something in a vault's folder makes it as the vault's owner, so that the owner can use it
// and no link in the owner's folder leads root astray.
#pragma once

#include <sys/types.h>

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

// The sockets' folder, if it is not there: 0700 within the vault, else 0755; the owner's.
Result<void> make_run_folder(const Place& place, const Owner& owner);
bool within_vault(const Place& place);

}  // namespace gw::keeper

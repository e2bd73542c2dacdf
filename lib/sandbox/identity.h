// The user that a server continues as after root has started it.
//
// The change is permanent: a process that has become another user cannot get root's rights back.
//
//   auto user = user_named("gw-receive");
//   if (user) become(*user);
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"

namespace gw::sandbox {

// Returns whether the effective user is root.
bool is_root();

// A user that become() can change to.
struct Identity {
  std::string name;  // for messages; the number if the user has no account
  uid_t uid = 0;
  gid_t gid = 0;
  // The user is in the system's user database, so its supplementary groups are known as well.
  bool account = false;
};

// Looks `name` up in the user database. A name of digits is looked up as a name, not as a number.
// Fails with Config and a hint if there is no such account.
Result<Identity> user_named(const std::string& name);
// Returns the user with this number. If it has no account, its group is `gid` and it has no
// supplementary groups.
Identity user_numbered(uid_t uid, gid_t gid);

// Changes this process to `user`, with that user's groups and without capabilities. Does nothing if
// it is that user already, or if `user` is root. Fails with Denied if the process is neither that
// user nor root. Call before threads start.
Result<void> become(const Identity& user);

// Sets no_new_privs (prctl(2)): no program executed from now on gains rights by set-user-ID bits or
// file capabilities. The kernel demands it before a process without capabilities may install a
// seccomp filter.
Result<void> forbid_new_privileges();

}  // namespace gw::sandbox

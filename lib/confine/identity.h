// Which user a process that root has started goes on as.
//
// Not the way back: what is given up here is given up for good.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"

namespace gw::confine {

bool is_root();

struct Identity {
  std::string name;  // for messages; a number where the user has no account
  uid_t uid = 0;
  gid_t gid = 0;
  bool account = false;  // its supplementary groups are those of the system's list
};

// Config, with a hint, where there is no such account. A name of digits is a name.
Result<Identity> user_named(const std::string& name);
// The user with this number; without an account it has `gid` and no other group.
Identity user_numbered(uid_t uid, gid_t gid);

// This process becomes that user, with the user's groups and without any capability. Nothing to do where it
// is that user already; Denied where it is neither that user nor root. Call before there are threads.
Result<void> become(const Identity& user);

// prctl(2): nothing that is run from here on gains rights by its file's owner or capabilities.
Result<void> forbid_new_privileges();

}  // namespace gw::confine

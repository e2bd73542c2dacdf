#include "sandbox/identity.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"

namespace gw::sandbox {

bool is_root() {
  return ::geteuid() == 0;
}

Result<Identity> user_named(const std::string& name) {
  // getpwnam(3) reports "not found" by a null pointer with errno unchanged, or with ENOENT or ESRCH
  // on some systems.
  errno = 0;
  const passwd* found = ::getpwnam(name.c_str());
  if (found != nullptr) return Identity{name, found->pw_uid, found->pw_gid, true};
  if (errno != 0 && errno != ENOENT && errno != ESRCH) return Error::from_errno("user " + printable(name));
  const Error error(Code::Config, "the user `" + printable(name) + "` does not exist");
  // The users of scripts/systemd/sysusers.conf; others have no command that creates them.
  for (const std::string_view own : {"gw-keeper", "gw-receive", "gw-drain", "gw-admin", "gw-web"})
    if (name == own) return error.with_hint("systemd-sysusers");
  return error;
}

Identity user_numbered(uid_t uid, gid_t gid) {
  if (const passwd* found = ::getpwuid(uid); found != nullptr)
    return {found->pw_name, uid, found->pw_gid, true};
  return {std::to_string(uid), uid, gid, false};
}

// The order matters: groups can only be changed while the process is still root, so the user
// changes last.
Result<void> become(const Identity& user) {
  const std::string what = "cannot become user " + printable(user.name);
  if (!is_root()) {
    if (::geteuid() == user.uid) return {};
    return Error(Code::Denied, what + ": only root may do that");
  }
  if (user.uid == 0) return {};
  const int grouped = user.account ? ::initgroups(user.name.c_str(), user.gid) : ::setgroups(0, nullptr);
  if (grouped != 0 || ::setresgid(user.gid, user.gid, user.gid) != 0 ||
      ::setresuid(user.uid, user.uid, user.uid) != 0)
    return Error::from_errno(what);
  // Changing the user also drops the capabilities, unless SECBIT_NO_SETUID_FIXUP or
  // SECBIT_KEEP_CAPS is set (capabilities(7)). A server that can become root again must not go on.
  if (::setuid(0) == 0) return Error(Code::Internal, what + ": the process could still become root");
  return {};
}

Result<void> forbid_new_privileges() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Error::from_errno("cannot set no_new_privs");
  return {};
}

}  // namespace gw::sandbox

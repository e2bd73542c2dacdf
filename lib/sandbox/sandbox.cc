#include "sandbox/sandbox.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>

#include "base/log.h"
#include "sandbox/identity.h"
#include "sandbox/sandbox_private.h"

namespace gw::sandbox {
namespace {

#ifdef GW_SANITIZED
constexpr bool kCanClose = false;
#else
constexpr bool kCanClose = true;
#endif

Error not_possible(const std::string& why) {
  return Error(Code::Config, "cannot enter the required sandbox: " + why)
      .with_hint("use --sandbox auto, which uses what the kernel supports");
}

// Empties the effective, permitted and inheritable sets. The bounding set needs no change: with
// no_new_privs no program can gain capabilities.
Result<void> drop_capabilities() {
  (void)::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct have[_LINUX_CAPABILITY_U32S_3]{};
  if (::syscall(SYS_capget, &header, have) == 0 && (have[0].permitted | have[1].permitted) == 0) return {};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3]{};
  if (::syscall(SYS_capset, &header, none) != 0) return Error::from_errno("cannot drop capabilities");
  return {};
}

}  // namespace

bool can_close() {
  return kCanClose;
}

Result<Closed> close(Mode mode, const Needs& needs) {
  Closed closed;
  if (mode == Mode::Off) return closed;
  if (!kCanClose) {
    if (mode == Mode::Require) return not_possible("this is a sanitizer build");
    return closed;
  }
  ::tzset();  // reads its file while that is possible
  if (auto done = forbid_new_privileges(); !done) return done.error();
  if (auto done = drop_capabilities(); !done) return done.error();
  // no_new_privs comes first: without it and without CAP_SYS_ADMIN the kernel refuses both
  // mechanisms. seccomp comes last, because the filter forbids the system calls of Landlock and of
  // capset(2).
  closed.landlock = landlock_version();
  if (closed.landlock == 0 && mode == Mode::Require) return not_possible("this kernel has no Landlock");
  if (closed.landlock > 0)
    if (auto done = restrict_files(closed.landlock, needs); !done) {
      // For example in a container whose seccomp filter allows the query for the version but not
      // the other calls.
      if (mode == Mode::Require) return not_possible(done.error().text());
      log::warning("sandbox incomplete", {{"reason", done.error().text()}});
      closed.landlock = 0;
    }
  const Result<bool> filtered = filter_system_calls(needs);
  if (!filtered && mode == Mode::Require) return not_possible(filtered.error().text());
  if (!filtered) log::warning("sandbox incomplete", {{"reason", filtered.error().text()}});
  closed.seccomp = filtered.value_or(false);
  if (!closed.seccomp && mode == Mode::Require) return not_possible("this kernel has no seccomp filters");
  return closed;
}

std::vector<std::string> folders_of(const std::string& file) {
  std::error_code failed;
  const std::filesystem::path given = std::filesystem::absolute(file, failed);
  if (failed) return {};
  std::vector<std::string> folders{given.parent_path().string()};
  // canonical() follows all links, as certbot's `live/NAME/fullchain.pem` leads to `archive/NAME`.
  const std::filesystem::path real = std::filesystem::canonical(given, failed);
  if (!failed && real.parent_path() != folders.front()) folders.push_back(real.parent_path().string());
  return folders;
}

}  // namespace gw::sandbox

// old_kernel landlock|seccomp|both PROGRAM [ARG…]: runs the program as on a kernel without these features.
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

int main(int argc, char** argv) {
  if (argc < 3) return 64;
  const scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_ALLOW);
  const bool both = std::strcmp(argv[1], "both") == 0;
  int failed = 0;
  if (both || std::strcmp(argv[1], "landlock") == 0)
    failed |= ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(landlock_create_ruleset), 0);
  if (both || std::strcmp(argv[1], "seccomp") == 0) {
    failed |= ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(seccomp), 0);
    failed |= ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), 1,
                                 scmp_arg_cmp{0, SCMP_CMP_EQ, PR_SET_SECCOMP, 0});
  }
  if (failed != 0 || ::seccomp_load(filter) != 0) return 71;
  ::seccomp_release(filter);
  ::execv(argv[2], argv + 2);
  return 71;
}

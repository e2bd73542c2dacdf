// The seccomp filter, made with libseccomp: a list of what a server that is set up asks of the system.
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <vector>

#include "confine/walls.h"

namespace gw::confine {
namespace {

// Without a look at the arguments: the kernel remembers these, and they cost next to nothing.
constexpr int kAllowed[] = {
    // descriptors and files; which files is Landlock's matter
    SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(close),
    SCMP_SYS(close_range), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(fcntl), SCMP_SYS(lseek),
    SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(fstat), SCMP_SYS(newfstatat),
    SCMP_SYS(statx), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink),
    SCMP_SYS(readlinkat), SCMP_SYS(getdents64), SCMP_SYS(getcwd), SCMP_SYS(fstatfs), SCMP_SYS(statfs),
    SCMP_SYS(fadvise64),
    // waiting
    SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(eventfd2),
    SCMP_SYS(pipe2), SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(restart_syscall),
    // sockets that are there
    SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(connect), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
    SCMP_SYS(recvmmsg), SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg), SCMP_SYS(shutdown),
    SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
    // memory
    SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(mlock), SCMP_SYS(mlock2),
    SCMP_SYS(munlock), SCMP_SYS(membarrier),
    // threads
    SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(get_robust_list), SCMP_SYS(rseq), SCMP_SYS(exit),
    SCMP_SYS(exit_group), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler), SCMP_SYS(getcpu),
    // who and when
    SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid), SCMP_SYS(getuid), SCMP_SYS(geteuid),
    SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(getrusage), SCMP_SYS(getrlimit), SCMP_SYS(setrlimit),
    SCMP_SYS(sysinfo), SCMP_SYS(uname), SCMP_SYS(times), SCMP_SYS(time), SCMP_SYS(gettimeofday),
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(getrandom),
    // signals
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sigaltstack)};

constexpr unsigned kKillsProcesses = 3;  // the API level of libseccomp; Linux 4.14

// What no library of ours ever tries: whoever does has taken the process over.
constexpr int kDeadly[] = {SCMP_SYS(execve),
                           SCMP_SYS(execveat),
                           SCMP_SYS(ptrace),
                           SCMP_SYS(process_vm_readv),
                           SCMP_SYS(process_vm_writev),
                           SCMP_SYS(mount),
                           SCMP_SYS(umount2),
                           SCMP_SYS(pivot_root),
                           SCMP_SYS(chroot),
                           SCMP_SYS(unshare),
                           SCMP_SYS(setns),
                           SCMP_SYS(bpf),
                           SCMP_SYS(perf_event_open),
                           SCMP_SYS(userfaultfd),
                           SCMP_SYS(keyctl),
                           SCMP_SYS(add_key),
                           SCMP_SYS(request_key),
                           SCMP_SYS(kexec_load),
                           SCMP_SYS(kexec_file_load),
                           SCMP_SYS(init_module),
                           SCMP_SYS(finit_module),
                           SCMP_SYS(delete_module),
                           SCMP_SYS(open_by_handle_at),
                           SCMP_SYS(reboot),
                           SCMP_SYS(swapon),
                           SCMP_SYS(io_uring_setup)};

class Filter {
 public:
  Filter() : context_(::seccomp_init(SCMP_ACT_ERRNO(ENOSYS))) {}

  bool made() const { return context_ != nullptr; }
  bool failed() const { return failed_ != 0; }
  int reason() const { return -failed_; }

  void attribute(scmp_filter_attr which, std::uint32_t value) {
    note(::seccomp_attr_set(context_.get(), which, value));
  }
  void allow(int call) { rule(SCMP_ACT_ALLOW, call, {}); }
  void kill(int call) { rule(SCMP_ACT_KILL_PROCESS, call, {}); }
  void allow(int call, std::initializer_list<scmp_arg_cmp> arguments) {
    rule(SCMP_ACT_ALLOW, call, {arguments.begin(), arguments.end()});
  }
  int load() { return ::seccomp_load(context_.get()); }

 private:
  void rule(std::uint32_t action, int call, const std::vector<scmp_arg_cmp>& arguments) {
    // A call that this machine does not have needs no rule.
    if (call < 0) return;
    note(::seccomp_rule_add_array(context_.get(), action, call, static_cast<unsigned>(arguments.size()),
                                  arguments.data()));
  }
  void note(int result) {
    if (result < 0 && failed_ == 0) failed_ = result;
  }

  struct Release {
    void operator()(void* context) const { ::seccomp_release(context); }
  };
  std::unique_ptr<void, Release> context_;
  int failed_ = 0;
};

scmp_arg_cmp equal(unsigned at, std::uint64_t value) {
  return {at, SCMP_CMP_EQ, value, 0};
}
// The bits of `mask` are `value`.
scmp_arg_cmp masked(unsigned at, std::uint64_t mask, std::uint64_t value) {
  return {at, SCMP_CMP_MASKED_EQ, mask, value};
}

void allow_sockets(Filter& filter, const Needs& needs) {
  constexpr std::uint64_t kType = 0xf;
  filter.allow(SCMP_SYS(socket), {equal(0, AF_UNIX)});
  if (!needs.outgoing) return;
  for (const int family : {AF_INET, AF_INET6})
    for (const int type : {SOCK_STREAM, SOCK_DGRAM})
      filter.allow(SCMP_SYS(socket), {equal(0, static_cast<std::uint64_t>(family)),
                                      masked(1, kType, static_cast<std::uint64_t>(type))});
  // getaddrinfo(3) asks which addresses this host has.
  filter.allow(SCMP_SYS(socket), {equal(0, AF_NETLINK), equal(2, 0)});
  filter.allow(SCMP_SYS(bind));
}

void allow_some(Filter& filter) {
  constexpr std::uint64_t kBoth = PROT_WRITE | PROT_EXEC;
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
    filter.allow(call, {masked(2, kBoth, 0)});
    filter.allow(call, {masked(2, kBoth, PROT_WRITE)});
  }
  // Code comes from files alone: libraries.
  filter.allow(SCMP_SYS(mmap), {masked(2, kBoth, PROT_EXEC), masked(3, MAP_ANONYMOUS, 0)});
  // Threads, and no processes. clone3 hides its flags in memory: the C library then takes clone.
  filter.allow(SCMP_SYS(clone), {masked(0, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM)});
  filter.allow(SCMP_SYS(tgkill), {equal(0, static_cast<std::uint64_t>(::getpid()))});
  filter.allow(SCMP_SYS(prlimit64), {equal(0, 0)});
  for (const std::uint64_t request : {FIONREAD, FIONBIO, TCGETS, TIOCGWINSZ})
    filter.allow(SCMP_SYS(ioctl), {equal(1, request)});
  for (const std::uint64_t what : {PR_SET_NAME, PR_GET_NAME, PR_SET_VMA})
    filter.allow(SCMP_SYS(prctl), {equal(0, what)});
}

}  // namespace

Result<bool> filter_system_calls(const Needs& needs) {
  if (::seccomp_api_get() < kKillsProcesses) return false;
  Filter filter;
  if (!filter.made()) return Error(Code::Internal, "seccomp: no filter");
  filter.attribute(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  filter.attribute(SCMP_FLTATR_CTL_OPTIMIZE, 2);
  filter.attribute(SCMP_FLTATR_API_SYSRAWRC, 1);  // load() says what the kernel said
  for (const int call : kAllowed) filter.allow(call);
  for (const int call : kDeadly) filter.kill(call);
  allow_some(filter);
  allow_sockets(filter, needs);
  if (filter.failed()) return Error::from_errno("seccomp", filter.reason());
  const int loaded = filter.load();
  if (loaded == 0) return true;
  if (loaded == -EINVAL || loaded == -ENOSYS || loaded == -EPERM) return false;
  return Error::from_errno("seccomp", -loaded);
}

}  // namespace gw::confine

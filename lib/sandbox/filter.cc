// The seccomp filter, built with libseccomp: a list of the system calls that an initialised server
// needs.
//
// A call is in the list because the servers or their libraries make it. After an upgrade of a
// library, run the servers under strace(1) or look for calls that fail with ENOSYS.
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

#include "sandbox/identity.h"
#include "sandbox/sandbox_private.h"

namespace gw::sandbox {
namespace {

// Allowed with any arguments. The kernel caches the result for calls whose arguments are not
// examined (Linux 5.11), so they cost next to nothing.
constexpr int kAllowed[] = {
    // Descriptors and files. Landlock decides which files.
    SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(close),
    SCMP_SYS(close_range), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(fcntl), SCMP_SYS(lseek),
    SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(fstat), SCMP_SYS(newfstatat),
    SCMP_SYS(statx), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink),
    SCMP_SYS(readlinkat), SCMP_SYS(getdents64), SCMP_SYS(getcwd), SCMP_SYS(fstatfs), SCMP_SYS(statfs),
    SCMP_SYS(fadvise64),
    // Waiting.
    SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(eventfd2),
    SCMP_SYS(pipe2), SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(restart_syscall),
    // Sockets that exist. Creating sockets is restricted below.
    SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(connect), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
    SCMP_SYS(recvmmsg), SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg), SCMP_SYS(shutdown),
    SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
    // Memory. mmap and mprotect are restricted below.
    SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(mlock), SCMP_SYS(mlock2),
    SCMP_SYS(munlock), SCMP_SYS(membarrier),
    // Threads.
    SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(get_robust_list), SCMP_SYS(rseq), SCMP_SYS(exit),
    SCMP_SYS(exit_group), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler), SCMP_SYS(getcpu),
    // Identity, limits and time.
    SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid), SCMP_SYS(getuid), SCMP_SYS(geteuid),
    SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(getrusage), SCMP_SYS(getrlimit), SCMP_SYS(setrlimit),
    SCMP_SYS(sysinfo), SCMP_SYS(uname), SCMP_SYS(times), SCMP_SYS(time), SCMP_SYS(gettimeofday),
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(getrandom),
    // Signals to this process; tgkill is restricted below.
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sigaltstack)};

constexpr unsigned kKillsProcesses = 3;  // libseccomp's API level for SCMP_ACT_KILL_PROCESS; Linux 4.14

// Calls that no library used here ever makes. A process that makes one has been taken over, so it
// is killed instead of getting an error that it could work around.
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

// Collects rules and remembers the first error, so that the callers need not check each rule.
class Filter {
 public:
  explicit Filter(std::uint32_t otherwise = SCMP_ACT_ERRNO(ENOSYS)) : context_(::seccomp_init(otherwise)) {}

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
  // Fails the call with EACCES if the arguments match.
  void refuse(int call, std::initializer_list<scmp_arg_cmp> arguments) {
    rule(SCMP_ACT_ERRNO(EACCES), call, {arguments.begin(), arguments.end()});
  }
  int load() { return ::seccomp_load(context_.get()); }

 private:
  void rule(std::uint32_t action, int call, const std::vector<scmp_arg_cmp>& arguments) {
    // libseccomp numbers calls that this architecture lacks negatively.
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
// Matches if the bits in `mask` equal `value`.
scmp_arg_cmp masked(unsigned at, std::uint64_t mask, std::uint64_t value) {
  return {at, SCMP_CMP_MASKED_EQ, mask, value};
}

void allow_sockets(Filter& filter, const Needs& needs) {
  // The type argument also carries SOCK_CLOEXEC and SOCK_NONBLOCK, so only its low bits are
  // compared.
  constexpr std::uint64_t kType = 0xf;
  // Unix sockets lead to the keeper, the system log and the service manager.
  filter.allow(SCMP_SYS(socket), {equal(0, AF_UNIX)});
  if (!needs.outgoing) return;
  for (const int family : {AF_INET, AF_INET6})
    for (const int type : {SOCK_STREAM, SOCK_DGRAM})
      filter.allow(SCMP_SYS(socket), {equal(0, static_cast<std::uint64_t>(family)),
                                      masked(1, kType, static_cast<std::uint64_t>(type))});
  // getaddrinfo(3) asks the kernel for the addresses of this host over a netlink socket, which it
  // binds.
  filter.allow(SCMP_SYS(socket), {equal(0, AF_NETLINK), equal(2, 0)});
  filter.allow(SCMP_SYS(bind));
}

void allow_some(Filter& filter) {
  // No memory is ever writable and executable, and written memory cannot be made executable.
  constexpr std::uint64_t kBoth = PROT_WRITE | PROT_EXEC;
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
    filter.allow(call, {masked(2, kBoth, 0)});
    filter.allow(call, {masked(2, kBoth, PROT_WRITE)});
  }
  // Code can be mapped from files only, for libraries that are loaded when needed.
  filter.allow(SCMP_SYS(mmap), {masked(2, kBoth, PROT_EXEC), masked(3, MAP_ANONYMOUS, 0)});
  // Threads are allowed, processes are not. clone3 has its flags in memory, which a filter cannot
  // read; it fails with ENOSYS, and the C library then uses clone.
  filter.allow(SCMP_SYS(clone), {masked(0, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM)});
  // abort(3) and raise(3) send the signal to a thread of this process.
  filter.allow(SCMP_SYS(tgkill), {equal(0, static_cast<std::uint64_t>(::getpid()))});
  // Process 0 is the caller. Limits of other processes stay out of reach.
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
  if (!filter.made()) return Error(Code::Internal, "seccomp: cannot create a filter");
  // A call through another architecture's interface (x32, i386) would have other numbers and bypass
  // the list.
  filter.attribute(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  // Level 2 is a binary tree instead of a linear list.
  filter.attribute(SCMP_FLTATR_CTL_OPTIMIZE, 2);
  // load() then returns the kernel's errno.
  filter.attribute(SCMP_FLTATR_API_SYSRAWRC, 1);
  for (const int call : kAllowed) filter.allow(call);
  for (const int call : kDeadly) filter.kill(call);
  allow_some(filter);
  allow_sockets(filter, needs);
  if (filter.failed()) return Error::from_errno("seccomp", filter.reason());
  const int loaded = filter.load();
  if (loaded == 0) return true;
  // A kernel without seccomp filters, or a container whose own filter forbids seccomp(2).
  if (loaded == -EINVAL || loaded == -ENOSYS || loaded == -EPERM) return false;
  return Error::from_errno("seccomp", -loaded);
}

Result<void> forbid_network() {
  if (auto done = forbid_new_privileges(); !done) return done.error();
  Filter filter(SCMP_ACT_ALLOW);
  if (!filter.made()) return Error(Code::Internal, "seccomp: cannot create a filter");
  filter.attribute(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  filter.attribute(SCMP_FLTATR_API_SYSRAWRC, 1);
  filter.refuse(SCMP_SYS(socket), {{0, SCMP_CMP_NE, AF_UNIX, 0}});
  // io_uring could create sockets without socket(2).
  filter.refuse(SCMP_SYS(io_uring_setup), {});
  if (filter.failed()) return Error::from_errno("seccomp", filter.reason());
  if (const int loaded = filter.load(); loaded != 0)
    return Error(Code::Config,
                 "the kernel cannot forbid the network: " + Error::from_errno("seccomp", -loaded).text());
  return {};
}

}  // namespace gw::sandbox

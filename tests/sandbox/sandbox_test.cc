// Tests what the sandbox of a server forbids. Each attempt is made in a child in that server's sandbox.
#include "sandbox/sandbox.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <thread>

#include "base/fd.h"
#include "sandbox/identity.h"
#include "sandbox/sandbox_private.h"

using namespace gw;
using namespace gw::sandbox;

namespace {

struct Server {
  const char* name;
  bool outgoing;
};
constexpr Server kServers[] = {{"gw-smtpd and gw-pop3d", false}, {"gw-proxy", true}};

// Returns how a sandboxed child ends that calls `act`: its exit status, or minus the signal.
int ending(const Needs& needs, const std::function<int()>& act) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto closed = sandbox::close(Mode::Require, needs);
    if (!closed) {
      (void)!::write(STDERR_FILENO, closed.error().text().data(), closed.error().text().size());
      ::_exit(120);
    }
    ::_exit(act());
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

constexpr int kDone = 0;

// Returns 0, or errno.
int outcome(long result) {
  return result < 0 ? errno : kDone;
}

int open_only(const std::string& path, int flags) {
  return outcome(::open(path.c_str(), flags | O_CLOEXEC, 0600));
}

class Directory {
 public:
  Directory() {
    char name[] = "/tmp/gw-confine-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path_ = name;
    for (const std::string part : {"/open", "/shut"}) {
      ::mkdir((path_ + part).c_str(), 0755);
      const Fd file(::open((path_ + part + "/file").c_str(), O_CREAT | O_WRONLY, 0644));
      REQUIRE(file);
    }
  }
  ~Directory() { (void)!std::system(("rm -rf " + path_).c_str()); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  std::string open() const { return path_ + "/open"; }
  std::string shut() const { return path_ + "/shut"; }

 private:
  std::string path_;
};

}  // namespace

TEST_CASE("a call that only an intruder makes kills a sandboxed server") {
  if (!can_close()) return;
  struct Deed {
    const char* name;
    std::function<int()> act;
  };
  char byte = 0;
  iovec vector{&byte, 1};
  const Deed deeds[] = {
      {"execve", [] { return outcome(::execl("/bin/true", "true", nullptr)); }},
      {"execveat",
       [] {
         const char* const argv[] = {"true", nullptr};
         const char* const none[] = {nullptr};
         return outcome(::syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, none, 0));
       }},
      {"ptrace", [] { return outcome(::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr)); }},
      {"ptrace of oneself", [] { return outcome(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); }},
      {"another's memory",
       [&] { return outcome(::process_vm_readv(::getppid(), &vector, 1, &vector, 1, 0)); }},
      {"mount", [] { return outcome(::mount("none", "/mnt", "tmpfs", 0, nullptr)); }},
      {"bpf", [] { return outcome(::syscall(SYS_bpf, 0, nullptr, 0)); }},
      {"keyctl", [] { return outcome(::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, -3, 0)); }},
      {"unshare", [] { return outcome(::syscall(SYS_unshare, 0)); }},
      {"io_uring", [] { return outcome(::syscall(SYS_io_uring_setup, 1, nullptr)); }},
  };
  for (const Server& server : kServers) {
    for (const Deed& deed : deeds) {
      INFO(server.name << ": " << deed.name);
      CHECK(ending({{}, server.outgoing}, deed.act) == -SIGSYS);
    }
  }
}

TEST_CASE("a sandboxed server reads the files that it was given and opens no others") {
  if (!can_close()) return;
  const Directory directory;
  for (const Server& server : kServers) {
    INFO(server.name);
    const Needs needs{{directory.open(), "/nowhere/at/all"}, server.outgoing};
    CHECK(ending(needs, [&] { return open_only(directory.open() + "/file", O_RDONLY); }) == kDone);
    CHECK(ending(needs, [&] { return open_only(directory.open(), O_RDONLY | O_DIRECTORY); }) == kDone);
    CHECK(ending(needs, [&] { return open_only(directory.open() + "/file", O_WRONLY); }) == EACCES);
    CHECK(ending(needs, [&] { return open_only(directory.open() + "/new", O_WRONLY | O_CREAT); }) == EACCES);
    CHECK(ending(needs, [&] { return open_only(directory.shut() + "/file", O_RDONLY); }) == EACCES);
    CHECK(ending(needs, [&] { return open_only(directory.shut() + "/new", O_WRONLY | O_CREAT); }) == EACCES);
    CHECK(ending(needs, [&] { return open_only("/proc/self/mem", O_RDWR); }) == EACCES);
    CHECK(ending(needs, [&] { return open_only("/root", O_RDONLY | O_DIRECTORY); }) == EACCES);
    CHECK(ending(needs, [&] { return outcome(::unlink((directory.open() + "/file").c_str())); }) == ENOSYS);
    CHECK(ending(needs, [&] { return outcome(::chmod((directory.open() + "/file").c_str(), 0777)); }) ==
          ENOSYS);
    const int accounts = ending(needs, [] { return open_only("/etc/passwd", O_RDONLY); });
    CHECK(accounts == (server.outgoing ? kDone : EACCES));
  }
}

TEST_CASE("a file that replaces another one later can be read too") {
  if (!can_close()) return;
  const Directory directory;
  // The file is replaced by another process.
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const Fd in(ends[0]);
  Fd out(ends[1]);
  std::thread renewal([&] {
    const std::string fresh = directory.open() + "/fresh";
    { const Fd file(::open(fresh.c_str(), O_CREAT | O_WRONLY, 0644)); }
    REQUIRE(::rename(fresh.c_str(), (directory.open() + "/file").c_str()) == 0);
    (void)!::write(out.get(), "x", 1);
  });
  CHECK(ending({{directory.open()}, false}, [&] {
          char byte = 0;
          if (::read(in.get(), &byte, 1) != 1) return 121;
          return open_only(directory.open() + "/file", O_RDONLY);
        }) == kDone);
  renewal.join();
}

TEST_CASE("only the proxy opens sockets to the network") {
  if (!can_close()) return;
  const auto socket_of = [](int family, int type) {
    return [=] { return outcome(::socket(family, type | SOCK_CLOEXEC, 0)); };
  };
  const Needs inward{{}, false};
  const Needs outward{{}, true};
  CHECK(ending(inward, socket_of(AF_UNIX, SOCK_STREAM)) == kDone);
  CHECK(ending(inward, socket_of(AF_UNIX, SOCK_DGRAM)) == kDone);
  CHECK(ending(inward, socket_of(AF_INET, SOCK_STREAM)) == ENOSYS);
  CHECK(ending(inward, socket_of(AF_INET6, SOCK_DGRAM)) == ENOSYS);
  CHECK(ending(inward, socket_of(AF_NETLINK, SOCK_RAW)) == ENOSYS);
  CHECK(ending(outward, socket_of(AF_INET, SOCK_STREAM)) == kDone);
  CHECK(ending(outward, socket_of(AF_INET6, SOCK_DGRAM)) == kDone);
  CHECK(ending(outward, socket_of(AF_NETLINK, SOCK_RAW)) == kDone);
  for (const Needs& needs : {inward, outward}) {
    CHECK(ending(needs, socket_of(AF_PACKET, SOCK_RAW)) == ENOSYS);
    CHECK(ending(needs, socket_of(AF_INET, SOCK_RAW)) == ENOSYS);
    CHECK(ending(needs, socket_of(AF_VSOCK, SOCK_STREAM)) == ENOSYS);
    CHECK(ending(needs, socket_of(AF_ALG, SOCK_SEQPACKET)) == ENOSYS);
  }
  if (landlock_version() < 4) return;
  const auto bind_port = [] {
    const Fd fd(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in any{};
    any.sin_family = AF_INET;
    return outcome(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any));
  };
  CHECK(ending(outward, bind_port) == EACCES);
}

TEST_CASE("a sandboxed server can start threads but no processes, and cannot map executable memory") {
  if (!can_close()) return;
  for (const Server& server : kServers) {
    INFO(server.name);
    const Needs needs{{}, server.outgoing};
    CHECK(ending(needs, [] {
            int seen = 1;
            std::thread([&] { seen = open_only("/proc/self/mem", O_RDWR) == EACCES ? 0 : 2; }).join();
            return seen;
          }) == kDone);
    CHECK(ending(needs, [] { return outcome(::fork()); }) == ENOSYS);
    const auto map = [](int protection) {
      return outcome(::mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1
                                                                                                         : 0);
    };
    CHECK(ending(needs, [&] { return map(PROT_READ | PROT_WRITE); }) == kDone);
    CHECK(ending(needs, [&] { return map(PROT_READ | PROT_WRITE | PROT_EXEC); }) == ENOSYS);
    CHECK(ending(needs, [&] { return map(PROT_READ | PROT_EXEC); }) == ENOSYS);
    CHECK(ending(needs, [] { return outcome(::kill(::getppid(), 0)); }) == ENOSYS);
    CHECK(ending(needs, [] { return outcome(::setuid(0)); }) == ENOSYS);
    // An abort of the program itself is still possible.
    CHECK(ending(needs, [] {
            std::signal(SIGABRT, SIG_DFL);  // Catch2 has a handler of its own
            std::abort();
            return 0;
          }) == -SIGABRT);
  }
}

TEST_CASE("with off nothing is forbidden") {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto closed = sandbox::close(Mode::Off, {});
    ::_exit(closed && closed->landlock == 0 && !closed->seccomp ? open_only("/etc/passwd", O_RDONLY) : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("a user id without an account, and a user name that does not exist") {
  CHECK(user_numbered(61'499, 61'498).name == "61499");
  CHECK(user_numbered(61'499, 61'498).gid == 61'498);
  const auto unknown = user_named("gw-nobody-has-this-name");
  REQUIRE(!unknown);
  CHECK(unknown.error().code() == Code::Config);
  CHECK(unknown.error().hint().empty());
  // Only the users of the package can be created by a command. Where it is installed they exist.
  const auto own = user_named("gw-web");
  if (!own) CHECK(own.error().hint() == "systemd-sysusers");
}

TEST_CASE("a process that was root and has changed its user cannot go back") {
  if (::geteuid() != 0) return;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (!become(user_numbered(61'499, 61'498))) ::_exit(1);
    if (::getuid() != 61'499 || ::getgid() != 61'498 || ::getgroups(0, nullptr) != 0) ::_exit(2);
    if (::setuid(0) == 0 || ::setgid(0) == 0) ::_exit(3);
    const auto other = become(user_numbered(61'497, 61'497));
    ::_exit(other || other.error().code() != Code::Denied ? 4 : 0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
}

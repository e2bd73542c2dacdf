#include "keeper/spawn.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"

namespace gw::keeper {
namespace {

// A keeper that was started by a tool exits after so many seconds without a client.
constexpr std::string_view kIdleExit = "60";
constexpr int kReadyFd = 3;
constexpr std::size_t kMaxLine = 4000;
constexpr char kReady = '+';
constexpr char kFailed = '-';

std::string program_of(const Place& place) {
  if (!place.program.empty()) return place.program;
  // Beside the running executable first, so that client and keeper come from the same build.
  std::string self(4096, '\0');
  const ssize_t length = ::readlink("/proc/self/exe", self.data(), self.size());
  if (length > 0) {
    self.resize(static_cast<std::size_t>(length));
    const std::string beside = self.substr(0, self.rfind('/') + 1) + "gw-store";
    if (::access(beside.c_str(), X_OK) == 0) return beside;
  }
  return "gw-store";
}

// The environment without variables that describe the starter's own situation: sockets and
// notifications of its service manager, and the peer that tcpserver or systemd set for it. The
// keeper would take them for its own.
std::vector<char*> environment() {
  std::vector<char*> kept;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto about = [&](std::string_view name) { return text.starts_with(name); };
    if (about("LISTEN_") || about("NOTIFY_SOCKET=") || about("WATCHDOG_") || about("TCP") ||
        about("PROTO=") || about("CREDENTIALS_DIRECTORY=")) {
      continue;
    }
    kept.push_back(*entry);
  }
  kept.push_back(nullptr);
  return kept;
}

class Spawn {
 public:
  Spawn() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
  }
  ~Spawn() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  Spawn(const Spawn&) = delete;
  Spawn& operator=(const Spawn&) = delete;

  int run(const std::string& program, std::vector<std::string> arguments, int ready, pid_t& pid) {
    // No terminal and no pipe of the starter stays open in the keeper. A program that reads from a
    // pipe of the starter would otherwise wait for the keeper's end.
    for (int fd = 0; fd <= 2; ++fd) ::posix_spawn_file_actions_addopen(&actions_, fd, "/dev/null", O_RDWR, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, ready, kReadyFd);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, kReadyFd + 1);
    ::posix_spawn_file_actions_addchdir_np(&actions_, "/");
    sigset_t all;
    sigset_t none;
    // Ignored signals and the signal mask survive execve(2), so set both to their defaults.
    ::sigfillset(&all);
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setflags(&attributes_,
                               POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    return ::posix_spawnp(&pid, program.c_str(), &actions_, &attributes_, argv.data(), environment().data());
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

// Waits for the keeper's report on the pipe (to_line).
Reached<void> await(const Fd& ready) {
  std::string said;
  const BootClock::time_point until = BootClock::now() + kReadyWait;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - BootClock::now()).count();
    pollfd polled{ready.get(), POLLIN, 0};
    const int arrived = left > 0 ? ::poll(&polled, 1, static_cast<int>(left)) : 0;
    if (arrived < 0 && errno == EINTR) continue;
    if (arrived <= 0) return Unreached("the keeper did not become ready in time");
    char some[1024];
    const ssize_t got = ::read(ready.get(), some, sizeof some);
    if (got < 0 && errno == EINTR) continue;
    // End of file: the keeper has closed its end, after its report or because it died.
    if (got <= 0) break;
    said.append(some, static_cast<std::size_t>(got));
    // After a success the keeper closes the pipe anyway. A failure has a text, which may arrive in
    // several pieces, so read to the end.
    if (said.front() == kReady) return {};
    if (said.size() > 8192) break;
  }
  if (said.size() < 2 || said.front() != kFailed) {
    return Unreached("the keeper exited before it was ready", "see the keeper's lines in the system log");
  }
  const Reached<void> told = from_line(said);
  const Unreached& why = told.error();
  return Unreached("the keeper did not start: " + why.text(), why.hint(), why.exit_status());
}

}  // namespace

Reached<void> spawn_keeper(const Place& place) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error::from_errno("pipe");
  const Fd ready(ends[0]);
  Fd theirs(ends[1]);
  // The child's file actions run in order: they open 0 to 2 and then copy this descriptor to 3. It
  // must have none of these numbers itself, or it would be overwritten first.
  Fd high(::fcntl(theirs.get(), F_DUPFD_CLOEXEC, 10));
  if (!high) return Error::from_errno("pipe");
  theirs.reset();
  const std::string program = program_of(place);
  pid_t pid = 0;
  const int failed = Spawn().run(program,
                                 {program, "--vault", place.vault, "serve", "--run", place.run, "--idle-exit",
                                  std::string(kIdleExit), "--ready-fd", std::to_string(kReadyFd)},
                                 high.get(), pid);
  if (failed != 0) return Unreached(Error::from_errno("cannot start " + program, failed).text());
  // Close this process's copy, so that the end of the keeper is the end of the pipe.
  high.reset();
  auto result = await(ready);
  // A keeper that is ready has forked into the background, so this child exits immediately and must
  // be reaped. One that is not ready may hang: do not wait for it.
  while (::waitpid(pid, nullptr, result ? 0 : WNOHANG) < 0 && errno == EINTR) {
  }
  return result;
}

std::string to_line(const Reached<void>& result) {
  if (result) return {kReady};
  const Unreached& why = result.error();
  std::string line{kFailed, static_cast<char>(why.exit_status())};
  line += why.text();
  std::replace(line.begin(), line.end(), '\n', ' ');
  line += '\n' + why.hint();
  return line.substr(0, kMaxLine);
}

Reached<void> from_line(std::string_view line) {
  if (!line.empty() && line.front() == kReady) return {};
  // The exit status is one byte, then the text up to the line feed, then the hint.
  if (line.size() < 2 || line.front() != kFailed) return Unreached("invalid answer");
  const std::size_t end = std::min(line.find('\n'), line.size());
  return Unreached(std::string(line.substr(2, end - 2)),
                   std::string(line.substr(std::min(end + 1, line.size()))), line[1]);
}

void tell_ready(const Fd& ready) {
  if (ready) static_cast<void>(write_all(ready.get(), as_bytes(std::string_view(&kReady, 1)), "ready"));
}

void tell_failed(const Fd& ready, const Error& error) {
  if (!ready) return;
  static_cast<void>(write_all(ready.get(), as_bytes(to_line(error)), "ready"));
}

}  // namespace gw::keeper

#include "keeper/keeper_launcher.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>

#include "base/clock.h"
#include "keeper/spawn.h"

namespace gw::keeper {
namespace {

using namespace std::chrono_literals;

constexpr int kChannel = 3;
constexpr std::size_t kMaxAnswer = 4096;
// The child may wait for another tool's start (15 s for the lock) and then for its own keeper (10
// s).
constexpr auto kTimeout = 30s;

// Prepares the child: it closes everything that it shares with its parent, and ignores signals that
// end the parent, because it has to live until the parent's end of the channel is closed. The
// caller's descriptors 0 to 2 are open (cli/program.h), so `channel` is none of them.
void leave_behind(int channel) {
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) ::signal(number, SIG_IGN);
  ::prctl(PR_SET_NAME, "gw-starter");
  const int nothing = ::open("/dev/null", O_RDWR);
  for (int fd = 0; fd < kChannel; ++fd) ::dup2(nothing, fd);
  if (channel == kChannel)
    ::fcntl(kChannel, F_SETFD, FD_CLOEXEC);
  else
    ::dup3(channel, kChannel, O_CLOEXEC);
  ::close_range(kChannel + 1, ~0U, 0);
}

// Serves requests until the parent has gone. Ends with _exit(2), so that no destructor or exit
// handler of the parent runs twice.
[[noreturn]] void work(const Place& place, const std::function<Result<void>()>& before) {
  const Result<void> ready = before();
  char word = 0;
  for (;;) {
    const ssize_t got = ::recv(kChannel, &word, 1, 0);
    if (got < 0 && errno == EINTR) continue;
    // The parent has ended, however it ended.
    if (got <= 0) ::_exit(0);
    const Reached<void> started = ready ? ensure(place) : Reached<void>(ready);
    const std::string answer = to_line(started);
    (void)::send(kChannel, answer.data(), std::min(answer.size(), kMaxAnswer), MSG_NOSIGNAL);
  }
}

}  // namespace

bool may_start(const Place& place, uid_t user) {
  if (std::getenv("INVOCATION_ID") != nullptr) return false;
  struct stat vault {};
  // A vault that does not exist may be mounted later. start_and_connect() checks its owner before
  // each start.
  if (::stat(place.vault.c_str(), &vault) != 0) return true;
  return user == 0 || user == vault.st_uid;
}

Result<std::shared_ptr<KeeperLauncher>> KeeperLauncher::make(const Place& place,
                                                             const std::function<Result<void>()>& before) {
  int ends[2];
  // SOCK_SEQPACKET keeps each request and each report in one piece, so neither side has to look for
  // its end.
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return Error::from_errno("socketpair");
  Fd ours(ends[0]);
  const Fd theirs(ends[1]);
  // Without execve(2): the child runs code of this program, so it needs no program of its own to be
  // installed.
  const pid_t child = ::fork();
  // A later attempt may find the processes or the memory that are missing now.
  if (child < 0) return Error(Code::Busy, Error::from_errno("fork").text());
  if (child == 0) {
    leave_behind(theirs.get());
    work(place, before);
  }
  return std::shared_ptr<KeeperLauncher>(new KeeperLauncher(std::move(ours)));
}

Reached<void> KeeperLauncher::start() {
  // One request at a time, since replies have no number.
  const std::scoped_lock lock(mutex_);
  const char word = 's';
  if (::send(channel_.get(), &word, 1, MSG_NOSIGNAL) != 1)
    return Unreached("cannot start the keeper: the process that starts it has exited");
  const BootClock::time_point until = BootClock::now() + kTimeout;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - BootClock::now()).count();
    pollfd item{channel_.get(), POLLIN, 0};
    const int arrived = left > 0 ? ::poll(&item, 1, static_cast<int>(left)) : 0;
    if (arrived < 0 && errno == EINTR) continue;
    if (arrived <= 0) {
      // A reply that arrives later would be taken for the reply to the next request.
      channel_.reset();
      return Unreached("cannot start the keeper: timed out");
    }
    std::string answer(kMaxAnswer, '\0');
    const ssize_t got = ::recv(channel_.get(), answer.data(), answer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Unreached("cannot start the keeper: the process that starts it has exited");
    return from_line(std::string_view(answer).substr(0, static_cast<std::size_t>(got)));
  }
}

}  // namespace gw::keeper

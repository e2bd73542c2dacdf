// Measures the time from spawning a server to its greeting.
// As under inetd, a socket is descriptors 0 and 1.
//   spawn_bench ROUNDS PROGRAM [ARG…]
// Prints one JSON object: the median and the minimum of
// the milliseconds from posix_spawn to the first byte.
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

int main(int argc, char** argv) {
  if (argc < 3) return 64;
  using Clock = std::chrono::steady_clock;
  std::vector<double> times;
  for (int round = 0; round < std::atoi(argv[1]); ++round) {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return 71;
    ::fcntl(pair[0], F_SETFD, FD_CLOEXEC);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pair[1], 0);
    posix_spawn_file_actions_adddup2(&actions, pair[1], 1);
    posix_spawn_file_actions_addclose(&actions, pair[1]);
    pid_t pid = 0;
    const auto start = Clock::now();
    if (::posix_spawn(&pid, argv[2], &actions, nullptr, argv + 2, environ) != 0) return 71;
    ::close(pair[1]);
    char byte = 0;
    const bool got = ::read(pair[0], &byte, 1) == 1;
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
    ::close(pair[0]);
    int status = 0;
    ::waitpid(pid, &status, 0);
    posix_spawn_file_actions_destroy(&actions);
    if (!got) return 1;
  }
  std::sort(times.begin(), times.end());
  std::printf("{\"rounds\":%zu,\"median_ms\":%.3f,\"least_ms\":%.3f}\n", times.size(),
              times[times.size() / 2], times.front());
  return 0;
}

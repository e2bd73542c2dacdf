// The functions of the C library by which a connection waits and wakes its other end. Connections
// are real socket pairs within the process; only waiting is simulated.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "threads.h"

using namespace gw::simulation;  // NOLINT: the functions below are not in a namespace

namespace {

char connections;  // its address is the key on which threads wait for a connection

// Makes the call, and lets those who wait look again.
template <class Function>
auto then_wake(const Function& real) {
  const auto result = real();
  if (simulated()) {
    const int error = errno;
    wake(&connections);
    errno = error;
  }
  return result;
}

}  // namespace

extern "C" {

int socket_poll(pollfd*, nfds_t, int) __asm__("poll");
ssize_t socket_sendmsg(int, const msghdr*, int) __asm__("sendmsg");
ssize_t socket_recv(int, void*, std::size_t, int) __asm__("recv");
int socket_shutdown(int, int) __asm__("shutdown");
int socket_close(int) __asm__("close");

int socket_poll(pollfd* items, nfds_t count, int milliseconds) {
  static const auto next = next_function<decltype(socket_poll)>("poll");
  if (!simulated()) return next(items, count, milliseconds);
  const Nanos deadline = milliseconds < 0 ? kNever : simulated_time() + milliseconds * kMillisecond;
  for (;;) {
    const int ready = next(items, count, 0);
    if (ready != 0 || simulated_time() >= deadline) return ready;
    block(&connections, deadline);
  }
}

ssize_t socket_sendmsg(int fd, const msghdr* message, int flags) {
  static const auto next = next_function<decltype(socket_sendmsg)>("sendmsg");
  return then_wake([&] { return next(fd, message, flags); });
}

ssize_t socket_recv(int fd, void* data, std::size_t size, int flags) {
  static const auto next = next_function<decltype(socket_recv)>("recv");
  return then_wake([&] { return next(fd, data, size, flags); });
}

int socket_shutdown(int fd, int how) {
  static const auto next = next_function<decltype(socket_shutdown)>("shutdown");
  return then_wake([&] { return next(fd, how); });
}

int socket_close(int fd) {
  static const auto next = next_function<decltype(socket_close)>("close");
  return then_wake([&] { return next(fd); });
}

}  // extern "C"

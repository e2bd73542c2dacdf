#include "net/channel.h"

#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "net/serve.h"

namespace gw::net {
namespace {

// Limit for discarding bytes in close(): a peer that sends without end must not hold the thread.
constexpr std::size_t kDrained = 256 * 1024;
// A peer that vanished without a FIN (power failure, NAT timeout) is detected after about this
// time.
constexpr int kPeerGoneSeconds = 60;

bool is_socket(int fd) {
  struct stat facts {};
  return ::fstat(fd, &facts) == 0 && S_ISSOCK(facts.st_mode);
}

// Returns whether people type here, line by line. A terminal in another mode passes on bytes as they
// are, perhaps those of a program.
bool is_typed(int fd) {
  termios mode{};
  return ::tcgetattr(fd, &mode) == 0 && (mode.c_lflag & ICANON) != 0;
}

// Keepalive detects a vanished peer while this side waits to read; TCP_USER_TIMEOUT does while data
// is unacknowledged, when keepalive probes are not sent. TCP_NODELAY prevents short replies from
// waiting for the acknowledgement of earlier ones. The first call fails on sockets other than TCP,
// and the function returns.
void tune(int fd) {
  const int on = 1;
  const int idle = kPeerGoneSeconds;
  const int interval = 15;
  const int probes = 4;
  const unsigned unacknowledged = kPeerGoneSeconds * 1000;
  if (::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) return;
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged, sizeof unacknowledged);
}

bool ready_now(int fd, short events) {
  pollfd item{fd, events, 0};
  return ::poll(&item, 1, 0) > 0;
}

// Returns a timeout for poll(2). It is rounded up, because poll would otherwise return early and
// the loop would spin for the rest of the millisecond.
int milliseconds_until(Channel::Clock::time_point until, Channel::Clock::time_point now) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, INT_MAX));
}

Error stopping() {
  return Error(Code::Closed, "stopping");
}

}  // namespace

Channel::Channel(Fd input, Fd output) : input_(std::move(input)), output_(std::move(output)) {
  input_socket_ = is_socket(input_.get());
  output_socket_ = output_ ? is_socket(output_.get()) : input_socket_;
  if (input_socket_) tune(input_.get());
  input_terminal_ = !input_socket_ && is_typed(input_.get());
}

ssize_t Channel::receive(std::span<std::byte> to) {
  if (input_terminal_ && std::exchange(owes_lf_, false)) {
    to[0] = std::byte{'\n'};
    return 1;
  }
  // One byte at a time, because each LF may become two.
  if (input_terminal_) to = to.first(1);
  for (;;) {
    ssize_t got = -1;
    // MSG_DONTWAIT has no equivalent for pipes. Nothing else reads this pipe, so a read after
    // POLLIN does not block.
    if (input_socket_) {
      got = ::recv(input(), to.data(), to.size(), MSG_DONTWAIT);
    } else if (ready_now(input(), POLLIN)) {
      got = ::read(input(), to.data(), to.size());
    } else {
      errno = EAGAIN;
    }
    if (got > 0 && input_terminal_) {
      owes_lf_ = to[0] == std::byte{'\n'} && !after_cr_;
      if (owes_lf_) to[0] = std::byte{'\r'};
      after_cr_ = to[0] == std::byte{'\r'} && !owes_lf_;
    }
    if (got >= 0 || errno != EINTR) return got;
  }
}

ssize_t Channel::send(std::span<const iovec> pieces) {
  for (;;) {
    ssize_t sent = -1;
    if (output_socket_) {
      msghdr message{};
      message.msg_iov = const_cast<iovec*>(pieces.data());
      message.msg_iovlen = pieces.size();
      sent = ::sendmsg(output(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    } else if (ready_now(output(), POLLOUT)) {
      // A pipe that is writable has room for PIPE_BUF bytes (pipe(7)), but perhaps for no more: a
      // longer write could block.
      sent = ::write(output(), pieces[0].iov_base, std::min<std::size_t>(pieces[0].iov_len, PIPE_BUF));
    } else {
      errno = EAGAIN;
    }
    if (sent >= 0 || errno != EINTR) return sent;
  }
}

bool Channel::waiting() const {
  if (owes_lf_) return true;
  int size = 0;
  return ::ioctl(input(), FIONREAD, &size) == 0 && size > 0;
}

Result<void> Channel::may_go_on() const {
  if (!stop::requested()) return {};
  if (grace_ && Clock::now() < stop::time() + *grace_) return {};
  return stopping();
}

Result<void> Channel::wait(int fd, bool readable, Clock::time_point deadline) const {
  for (;;) {
    // After the stop request its descriptor is readable for good. It is then left out of the poll,
    // which would otherwise return immediately each time, and the end of the grace period bounds
    // the wait. may_go_on() has checked that grace_ is set in that case.
    const bool stopped = stop::requested();
    if (auto going = may_go_on(); !going) return going;
    const auto until = stopped ? std::min(deadline, stop::time() + *grace_) : deadline;
    const auto now = Clock::now();
    if (now >= deadline) return Error(Code::Timeout, "timed out");

    std::array<pollfd, 2> items{
        {{fd, static_cast<short>(readable ? POLLIN : POLLOUT), 0}, {stop::descriptor(), POLLIN, 0}}};
    const int count = ::poll(items.data(), stopped ? 1 : 2, milliseconds_until(until, now));
    if (count < 0 && errno != EINTR && errno != EAGAIN) return Error::from_errno("cannot wait for the peer");
    // POLLERR and POLLHUP count as ready too: the next read or write reports the error.
    if (count > 0 && items[0].revents != 0) return {};
  }
}

void Channel::close(std::chrono::milliseconds linger) {
  if (!input_) return;
  // The FIN goes out first. Then the receive buffer is emptied, because close(2) with unread bytes
  // in it sends a reset, and the peer would lose the last reply. The same holds if inetd keeps
  // another copy of the descriptor open: only shutdown ends the connection for the peer.
  if (output_socket_) ::shutdown(output(), SHUT_WR);
  if (input_socket_) {
    std::array<std::byte, 4096> nowhere;
    const auto end = Clock::now() + linger;
    for (std::size_t drained = 0; drained < kDrained;) {
      const ssize_t got = receive(nowhere);
      if (got > 0) {
        drained += static_cast<std::size_t>(got);
        continue;
      }
      const bool open = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
      if (!open || linger.count() == 0 || !wait_readable(end)) break;
    }
  }
  input_.reset();
  output_.reset();
}

}  // namespace gw::net

#include "keeper/channel.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace gw::keeper {
namespace {

// A union, because the buffer must be aligned like a cmsghdr (cmsg(3)).
union Ancillary {
  cmsghdr header;
  std::array<char, CMSG_SPACE(sizeof(int))> data;
};

// Returns the descriptor in the message, or an empty Fd if it has none. Takes ownership of all that
// came: alignment leaves room for a second one, which a broken peer may send.
Fd descriptor_of(msghdr& message) {
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) return Fd();
  Fd came;
  std::size_t count = 0;
  for (; CMSG_LEN((count + 1) * sizeof(int)) <= header->cmsg_len; ++count) {
    int descriptor = -1;
    std::memcpy(&descriptor, CMSG_DATA(header) + count * sizeof descriptor, sizeof descriptor);
    came = Fd(descriptor);
  }
  return count == 1 ? std::move(came) : Fd();
}

ssize_t receive_along(int socket, std::span<std::byte> space, int flags, Fd& along) {
  iovec vector{space.data(), space.size()};
  Ancillary ancillary{};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = &ancillary;
  message.msg_controllen = sizeof ancillary;
  // MSG_CMSG_CLOEXEC: a program that another thread executes at this moment must not inherit the
  // vault's files.
  const ssize_t got = ::recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
  if (got > 0) {
    if (Fd came = descriptor_of(message)) along = std::move(came);
  }
  return got;
}

void set_timeout(int socket, int option, std::chrono::seconds timeout) {
  timeval value{};
  value.tv_sec = timeout.count();
  ::setsockopt(socket, SOL_SOCKET, option, &value, sizeof value);
}

Error broken(std::string_view what) {
  // This is how SO_RCVTIMEO and SO_SNDTIMEO report that the time is over.
  if (errno == EAGAIN || errno == EWOULDBLOCK) return Error(Code::Timeout, std::string(what) + ": timed out");
  return Error::from_errno(what);
}

}  // namespace

void Channel::set_timeouts(std::chrono::seconds receive, std::chrono::seconds send) {
  set_timeout(socket_.get(), SO_RCVTIMEO, receive);
  set_timeout(socket_.get(), SO_SNDTIMEO, send);
}

Result<std::size_t> Channel::receive(int flags, Fd* along) {
  const std::span<std::byte> space = reader_.space();
  ssize_t got = 0;
  do {
    got = along == nullptr ? ::recv(socket_.get(), space.data(), space.size(), flags)
                           : receive_along(socket_.get(), space, flags, *along);
  } while (got < 0 && errno == EINTR);
  if (got == 0) return Error(Code::Closed, "keeper connection: closed by the other side");
  if (got > 0) reader_.filled(static_cast<std::size_t>(got));
  // A call without waiting found nothing. In a blocking call, EAGAIN is a timeout.
  if (got < 0 && flags != 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::size_t{0};
  if (got < 0) return broken("keeper connection");
  return static_cast<std::size_t>(got);
}

Result<Frame> Channel::next(Fd* along) {
  for (;;) {
    auto frame = reader_.next();
    if (!frame) return frame.error();
    if (*frame) return **frame;
    // A descriptor arrives with the first byte of its message. The keeper sends one reply to each
    // request, so no earlier frame is in the buffer at that time, and the descriptor belongs to the
    // frame that is returned next.
    if (auto got = receive(0, along); !got) return got.error();
  }
}

Result<bool> Channel::arrived() {
  if (!reader_.empty()) return true;
  auto got = receive(MSG_DONTWAIT);
  if (!got) return got.error();
  return *got > 0;
}

Result<void> Channel::send(std::span<const ByteView> pieces) {
  std::array<iovec, 8> vectors;
  std::size_t count = 0;
  for (const ByteView piece : pieces) {
    if (piece.empty()) continue;
    // Refuse to send a part only: the peer would wait for the rest.
    if (count == vectors.size())
      return Error(Code::Internal, "keeper connection: too many buffers in one write");
    vectors[count++] = {const_cast<std::byte*>(piece.data()), piece.size()};
  }
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  while (message.msg_iovlen > 0) {
    // sendmsg(2) instead of writev(2), since only it takes MSG_NOSIGNAL: a client that has gone
    // must not kill the keeper by SIGPIPE. A signal or a full buffer may end it early, so go on
    // after the last byte that was taken.
    const ssize_t sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return broken("keeper connection");
    std::size_t left = static_cast<std::size_t>(sent);
    while (message.msg_iovlen > 0 && left >= message.msg_iov->iov_len) {
      left -= message.msg_iov->iov_len;
      ++message.msg_iov;
      --message.msg_iovlen;
    }
    if (message.msg_iovlen > 0) {
      message.msg_iov->iov_base = static_cast<std::byte*>(message.msg_iov->iov_base) + left;
      message.msg_iov->iov_len -= left;
    }
  }
  return {};
}

Result<void> Channel::send(ByteView piece, int along) {
  if (along < 0 || piece.empty()) return send(piece);
  iovec vector{const_cast<std::byte*>(piece.data()), piece.size()};
  Ancillary ancillary{};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = &ancillary;
  message.msg_controllen = sizeof ancillary;
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof along);
  std::memcpy(CMSG_DATA(header), &along, sizeof along);
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return broken("keeper connection");
  // The descriptor went out with the first byte. Sending it again with the rest would duplicate it
  // at the peer.
  return send(piece.subspan(static_cast<std::size_t>(sent)));
}

// shutdown(2), not close(2): the thread that blocks in recv(2) wakes up, and the descriptor's
// number is not reused while that thread still has it.
void Channel::hang_up() {
  ::shutdown(socket_.get(), SHUT_RD);
}
void Channel::cut() {
  ::shutdown(socket_.get(), SHUT_RDWR);
}

}  // namespace gw::keeper

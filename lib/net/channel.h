// The file descriptors of one connection: reads and writes that never block, and waiting with a
// deadline. Private to net; everything else uses Stream.
//
// Sockets are read and written with MSG_DONTWAIT instead of being set to non-blocking: O_NONBLOCK
// belongs to the open file, which another process may share under inetd.
//
// Not thread-safe: one thread uses a Channel. Only the stop request (net/serve.h) comes from other
// threads.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <chrono>
#include <optional>
#include <span>

#include "base/fd.h"
#include "base/result.h"

namespace gw::net {

class Channel {
 public:
  using Clock = std::chrono::steady_clock;

  // Takes over both descriptors. If `output` is empty, `input` is a socket that is used in both
  // directions.
  Channel(Fd input, Fd output);

  // Reads up to `to.size()` bytes like recv(2), without blocking. Returns 0 at the end of the
  // stream, or -1 with errno set; EAGAIN means that nothing has arrived. A terminal ends a line with
  // LF; CRLF is returned instead, so that a person can type to a server with --stdio.
  ssize_t receive(std::span<std::byte> to);
  // Writes a prefix of `pieces` like sendmsg(2), without blocking and without SIGPIPE. Returns the
  // number of bytes written, or -1 with errno set; EAGAIN means that there is no room. `pieces`
  // must not be empty.
  ssize_t send(std::span<const iovec> pieces);
  // Returns whether unread bytes are in the kernel's receive buffer.
  bool waiting() const;

  // Both wait until the descriptor is ready, or has an error that the next call reports. They fail
  // with Timeout at `deadline`, and with Closed like may_go_on().
  Result<void> wait_readable(Clock::time_point deadline) { return wait(input(), true, deadline); }
  Result<void> wait_writable(Clock::time_point deadline) { return wait(output(), false, deadline); }
  // Fails with Closed and the text `stopping` if the process was asked to stop and no grace period
  // is left.
  Result<void> may_go_on() const;
  // Lets reads and writes go on for `grace` after the moment of the stop request.
  void set_grace(std::chrono::milliseconds grace) { grace_ = grace; }

  // Sends a FIN and closes the descriptors. Discards what the peer sent and no caller read, up to
  // a limit: closing a socket with unread data would make the kernel send a reset, which destroys
  // replies still under way. Continues to discard for up to `linger` after the FIN, until the
  // peer closes its side.
  void close(std::chrono::milliseconds linger = std::chrono::milliseconds(0));

 private:
  int input() const { return input_.get(); }
  int output() const { return output_ ? output_.get() : input_.get(); }
  Result<void> wait(int fd, bool readable, Clock::time_point deadline) const;

  Fd input_;
  // Empty if the connection is one socket.
  Fd output_;
  bool input_socket_ = false;
  bool output_socket_ = false;
  bool input_terminal_ = false;
  bool after_cr_ = false;  // a terminal: CR was returned last
  bool owes_lf_ = false;   // a terminal: CR was returned for an LF, which is due next
  std::optional<std::chrono::milliseconds> grace_;
};

}  // namespace gw::net

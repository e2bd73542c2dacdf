// The descriptors of one connection: what goes through them at once, and waiting for more. Inside net only.
//
// Sockets are read and written with MSG_DONTWAIT and not made non-blocking: under inetd another process may
// hold the same open file.
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

  Channel(Fd input, Fd output);  // `output` may be empty: then it is `input`, a socket

  // As recv(2) and sendmsg(2) that never wait: -1 and errno, EAGAIN where they would.
  ssize_t receive(std::span<std::byte> to);
  ssize_t send(std::span<const iovec> pieces);
  // Octets that lie in the system's buffer.
  bool waiting() const;

  // Until the descriptor is ready (or broken). Timeout at `deadline`; Closed as may_go_on().
  Result<void> wait_readable(Clock::time_point deadline) { return wait(input(), true, deadline); }
  Result<void> wait_writable(Clock::time_point deadline) { return wait(output(), false, deadline); }
  // Closed, `stopping`, once the process is asked to stop and the grace, if any, is over.
  Result<void> may_go_on() const;
  void set_grace(std::chrono::milliseconds grace) { grace_ = grace; }

  // The FIN, and the end of the descriptors.
  void close();

 private:
  int input() const { return input_.get(); }
  int output() const { return output_ ? output_.get() : input_.get(); }
  Result<void> wait(int fd, bool readable, Clock::time_point deadline) const;

  Fd input_;
  Fd output_;
  bool input_socket_ = false;
  bool output_socket_ = false;
  std::optional<std::chrono::milliseconds> grace_;
};

}  // namespace gw::net

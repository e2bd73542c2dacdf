// One end of a connection between the keeper and a client: a connected Unix stream socket and the
// frames on it (protocol.h). It knows nothing of requests and replies.
//
// Calls block, and one thread at a time may use a channel, except that hang_up() and cut() may come
// from any thread. After any error the position in the stream is unknown: discard the channel.
#pragma once

#include <chrono>
#include <span>

#include "base/fd.h"
#include "base/result.h"
#include "keeper/protocol.h"

namespace gw::keeper {

class Channel {
 public:
  explicit Channel(Fd socket) : socket_(std::move(socket)) {}

  // Limits how long one wait for the peer may take; zero means without limit. A call that waits
  // longer fails with Timeout. The limits apply to each system call, not to a whole frame.
  void set_timeouts(std::chrono::seconds receive, std::chrono::seconds send);

  // Waits for the next frame and returns it, or the next piece of a data frame. The view in it
  // stays valid until the next call of next(), arrived() or shrink(). If the peer passed a
  // descriptor, it is stored in `*along`; without `along` the kernel closes it. Fails with Closed
  // if the peer has closed the connection, with Timeout, and with BadInput if the peer does not
  // speak this protocol.
  Result<Frame> next(Fd* along = nullptr);
  // Returns whether next() has bytes to start with. Looks once and does not wait. Fails with Closed
  // if the peer has closed the connection.
  Result<bool> arrived();
  // Frees the buffer that a large frame needed. Does nothing in the middle of a frame.
  void shrink() {
    if (reader_.empty()) reader_.shrink();
  }

  // Sends all pieces in order, in one system call if the socket's buffer has room. At most 8 pieces
  // that are not empty. After an error an unknown part has been sent, but never all of it.
  Result<void> send(std::span<const ByteView> pieces);
  Result<void> send(ByteView piece) { return send(std::span(&piece, 1)); }
  // Sends `piece`, and with its first byte a copy of the descriptor `along`, which stays owned by
  // the caller. Sends only `piece` if `along` is negative.
  Result<void> send(ByteView piece, int along);

  // Stops reading: frames that have arrived can still be read, then next() fails with Closed; the
  // peer's writes fail with EPIPE. Replies can still be sent. Safe to call from any thread while
  // the channel lives.
  void hang_up();
  // Ends both directions, so that a thread that blocks in next() or send() returns. Safe to call
  // from any thread.
  void cut();
  // Returns the socket, which stays owned by the channel.
  int descriptor() const { return socket_.get(); }

 private:
  Result<std::size_t> receive(int flags, Fd* along = nullptr);

  Fd socket_;
  FrameReader reader_;
};

}  // namespace gw::keeper

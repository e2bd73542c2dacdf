// One end of a connection between the keeper and a client: a connected Unix socket and the frames on it.
//
// Blocking, for one thread at a time (but for hang_up). Any failure leaves the channel of no further use.
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

  // How long one wait for the other side may take; zero: for ever.
  void set_timeouts(std::chrono::seconds receive, std::chrono::seconds send);

  // The next frame, or piece of a data frame; valid until the next call. Closed: the other side has gone.
  // Timeout. BadInput: it does not speak this protocol. A descriptor that came along goes to `along`, or is
  // closed.
  Result<Frame> next(Fd* along = nullptr);
  // Whether next() has something in hand, looking once and not waiting. Closed as above.
  Result<bool> arrived();
  // Between two frames, gives back the memory that a large one had needed.
  void shrink() {
    if (reader_.empty()) reader_.shrink();
  }

  // All of the pieces, in order, as one write where the system can. Where it fails, not all has been sent.
  Result<void> send(std::span<const ByteView> pieces);
  Result<void> send(ByteView piece) { return send(std::span(&piece, 1)); }
  // And a copy of this descriptor with the first octet, where it is one.
  Result<void> send(ByteView piece, int along);

  // From any thread: what has arrived can still be read, then next() is Closed; the other side's writes fail.
  void hang_up();
  // From any thread: also what is being sent ends.
  void cut();
  int descriptor() const { return socket_.get(); }

 private:
  Result<std::size_t> receive(int flags, Fd* along = nullptr);

  Fd socket_;
  FrameReader reader_;
};

}  // namespace gw::keeper

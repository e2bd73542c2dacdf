#include "base/fd.h"

#include <unistd.h>

namespace gw {

void Fd::reset() {
  // close(2) is not repeated after EINTR: on Linux the descriptor is closed all the same, and its
  // number may already belong to a file of another thread.
  if (number_ >= 0) ::close(number_);
  number_ = -1;
}

}  // namespace gw

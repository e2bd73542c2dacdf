#include "base/fd.h"

#include <unistd.h>

namespace gw {

void Fd::reset() {
  if (number_ >= 0) ::close(number_);
  number_ = -1;
}

}  // namespace gw

#include "pop3/top.h"

#include <cstring>

namespace gw::pop3 {

ByteView TopCut::take(ByteView text) {
  std::size_t taken = 0;
  while (!done() && taken < text.size()) {
    const void* found = std::memchr(text.data() + taken, '\n', text.size() - taken);
    if (found == nullptr) {
      line_octets_ += text.size() - taken;
      return text;
    }
    const auto end = static_cast<std::size_t>(static_cast<const std::byte*>(found) - text.data()) + 1;
    line_octets_ += end - taken;
    taken = end;
    // In CRLF form a line of two octets is the empty one.
    if (in_body_)
      --lines_;
    else
      in_body_ = line_octets_ == 2;
    line_octets_ = 0;
  }
  return text.first(taken);
}

}  // namespace gw::pop3

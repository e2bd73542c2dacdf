#include "pop3/top.h"

#include <cstring>

namespace gw::pop3 {

ByteView TopCut::take(ByteView text) {
  std::size_t taken = 0;
  while (!done() && taken < text.size()) {
    const void* found = std::memchr(text.data() + taken, '\n', text.size() - taken);
    // In wire form a CR only occurs in line endings, so a line that begins with one is empty.
    if (at_line_start_) empty_ = text[taken] == std::byte{'\r'};
    at_line_start_ = found != nullptr;
    // The line continues in the next piece; all of this one belongs to the result.
    if (found == nullptr) return text;
    taken = static_cast<std::size_t>(static_cast<const std::byte*>(found) - text.data()) + 1;
    if (in_body_)
      --lines_;
    else
      in_body_ = empty_;
  }
  return text.first(taken);
}

}  // namespace gw::pop3

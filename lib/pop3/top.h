// What TOP sends of a message: the header, the empty line behind it, and the first lines of the body.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace gw::pop3 {

class TopCut {
 public:
  explicit TopCut(std::uint64_t lines) : lines_(lines) {}

  // The part of `text` that belongs to it; `text` is more of the message in CRLF form, cut anywhere. Once
  // done() it is empty, and the rest of the message need not be read.
  ByteView take(ByteView text);
  bool done() const { return in_body_ && lines_ == 0; }

 private:
  std::uint64_t lines_;
  std::uint64_t line_octets_ = 0;  // of the line in hand so far, up to the piece's start
  bool in_body_ = false;
};

}  // namespace gw::pop3

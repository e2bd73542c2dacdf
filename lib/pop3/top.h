// Cuts a message for TOP: the header, its empty line, and the first lines of the body (RFC 1939
// section 7).
//
//   TopCut cut(top.lines);
//   while (!cut.done() && …) session.body(cut.take(piece));
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace gw::pop3 {

class TopCut {
 public:
  // `lines` is the number of body lines.
  explicit TopCut(std::uint64_t lines) : lines_(lines) {}

  // Returns the beginning of `text` that belongs to the result, as a view of it. `text` is more of
  // the message in wire form (mail/wire_form.h), cut anywhere. After done() the result is empty and
  // the rest need not be read.
  ByteView take(ByteView text);
  bool done() const { return in_body_ && lines_ == 0; }

 private:
  std::uint64_t lines_;
  bool at_line_start_ = true;
  bool empty_ = false;  // the current line
  bool in_body_ = false;
};

}  // namespace gw::pop3

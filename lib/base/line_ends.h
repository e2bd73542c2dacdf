// A fast check of the line endings in a piece of mail.
//
// Nearly all mail has CRLF and nothing else. Code that would have to treat each line on its own
// asks here first, and copies the piece unchanged if there is nothing to repair. The check needs
// one pass and runs at many bytes for each instruction.
#pragma once

#include "base/bytes.h"

namespace gw {

struct LineEnds {
  // Each LF follows a CR and each CR precedes an LF. A CR in the last byte also counts as paired,
  // because its LF may be the first byte of the next piece: pass `after_cr` with that piece.
  bool paired = true;
  bool eight_bit = false;  // a byte is 0x80 or higher
  bool nul = false;        // a byte is zero
};

// Examines one piece of a stream. `after_cr` tells that the byte before this piece is a CR.
LineEnds look_at_line_ends(ByteView data, bool after_cr);

}  // namespace gw

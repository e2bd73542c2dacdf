// Whether the line ends of a piece of mail are what they should be, looked at many octets at a time: nearly
// all mail is in good order, and what walks from line to line then has nothing to do.
#pragma once

#include "base/bytes.h"

namespace gw {

struct LineEnds {
  bool paired = true;  // each LF has its CR, and each CR its LF, but for a CR that is the last octet
  bool eight_bit = false;
  bool nul = false;
};

// `after_cr`: the octet in front of these was a CR.
LineEnds look_at_line_ends(ByteView octets, bool after_cr);

}  // namespace gw

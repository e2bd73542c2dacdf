// Finds a dot in a message that a server of unknown strictness could take for the end of the
// message.
//
// A dot after CRLF is doubled when it is sent, and no server takes two dots for the end. A dot
// after a bare CR or LF is not doubled, and some servers take a bare CR or LF for a line ending.
// For them `LF . LF`, `CR . CRLF` and similar sequences end the message, and the rest of it is
// executed as commands in the name of gw-proxy (SMTP smuggling, CVE-2023-51764 and related). NUL is
// ignored, because some servers drop it.
//
//   BareDot finder;
//   if (finder.find(data)) ...        // refuse, before any of `data` is sent
#pragma once

#include "base/bytes.h"

namespace gw::smtp {

class BareDot {
 public:
  // Examines more of the message, without dot-stuffing and cut anywhere. Returns true if the bytes
  // so far contain such a dot and the line ending after it, and on every later call.
  bool find(ByteView data);

 private:
  enum class At : unsigned char {
    LineStart,  // at the start or directly after CRLF: a dot here is doubled
    BareStart,  // a server may see the start of a line here, but a dot is not doubled
    Cr,         // after a CR
    Dot,        // after a dot that is alone on its line so far
    Text,       // within a line
    Found,
  };
  At at_ = At::LineStart;
};

}  // namespace gw::smtp

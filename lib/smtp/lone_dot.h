// Finds the dot that could end a message early: what must not go to a server of unknown strictness.
//
// A dot behind a CRLF is doubled when it is sent, and no receiver takes two for the end. A dot behind a bare
// CR or LF is not, and some receivers take a bare CR or LF for a line end: `LF . LF`, `CR . CRLF` and their
// relatives end the message there, and what follows are commands, sent in somebody else's name (SMTP
// smuggling, CVE-2023-51764 and its family). NUL counts as nothing, since some receivers drop it.
//
//   LoneDot finder;
//   if (finder.find(octets)) ...        // before any of them are sent
#pragma once

#include "base/bytes.h"

namespace gw::smtp {

class LoneDot {
 public:
  // More of the message, unstuffed, cut anywhere. True, from then on, once such a dot and the line end behind
  // it are in what was given.
  bool find(ByteView octets);

 private:
  enum class At : unsigned char {
    LineStart,  // at the beginning, or directly behind a CRLF: a dot here is doubled
    BareStart,  // where a receiver may see a line begin, and a dot is not doubled
    Cr,         // behind a CR
    Dot,        // behind a dot that is alone so far
    Text,
    Found,
  };
  At at_ = At::LineStart;
};

}  // namespace gw::smtp

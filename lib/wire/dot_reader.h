// The octets of a message after DATA (RFC 5321 section 4.5.2): what stands between 354 and CRLF.CRLF, with
// the dot taken off that the sender put in front of a line beginning with one.
//
// Only CRLF.CRLF ends a message, and a line begins only behind a CRLF: LF.LF, LF.CRLF, CR.CR, CRLF.LF and all
// their relatives are content and kept as they are (SMTP smuggling, CVE-2023-51764 and its family). So are
// NUL, lone CR and LF, and lines of any length. Nothing is copied: pieces are views of the input.
//
//   while (!input.empty()) {
//     DotReader::Piece piece = reader.next(input);    // takes from the front of `input`
//     keep(piece.octets);
//     if (piece.end) break;                           // what is left of `input` is the next command
//   }
#pragma once

#include "base/bytes.h"

namespace gw::wire {

class DotReader {
 public:
  struct Piece {
    ByteView octets;   // may be empty; valid as long as the input
    bool end = false;  // the final dot was read; the reader is ready for the next message
    bool dot = false;  // these octets begin a line whose first dot was taken off: a dot and they were sent
  };

  // Takes octets from the front of `input`: up to the next dot that is not content, or all.
  Piece next(ByteView& input);
  void restart() { state_ = State::LineStart; }

 private:
  enum class State : unsigned char {
    LineStart,  // at the beginning, or behind a CRLF
    Text,
    Cr,     // behind a CR
    Dot,    // behind the dot at the beginning of a line, which is held back
    DotCr,  // behind that dot and a CR, which is held back too
  };
  State state_ = State::LineStart;
};

}  // namespace gw::wire

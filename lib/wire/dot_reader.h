// Reads a message after DATA, or a multi-line POP3 reply: finds the final dot and removes
// dot-stuffing (RFC 5321 section 4.5.2, RFC 1939 section 3).
//
// Only CRLF.CRLF ends a message, and a line begins only after CRLF or at the start. LF.LF, LF.CRLF,
// CR.CR, CRLF.LF and similar sequences are content and stay unchanged: a server that takes them for
// the end executes the rest of the message as commands (SMTP smuggling, CVE-2023-51764 and
// related). NUL, a lone CR or LF, and lines of any length are content too. Nothing is copied:
// pieces are views of the input.
//
//   while (!input.empty()) {
//     DotReader::Piece piece = reader.next(input);    // removes bytes from the front of `input`
//     keep(piece.data);
//     if (piece.end) break;                           // the rest of `input` is the next command
//   }
#pragma once

#include "base/bytes.h"

namespace gw::wire {

class DotReader {
 public:
  struct Piece {
    ByteView data;     // content; may be empty; valid as long as the input
    bool end = false;  // the final dot was read; the reader is ready for the next message
    // A stuffed dot was removed before `data`. A relay that passes the text on writes it again.
    bool dot = false;
  };

  // Removes bytes from the front of `input`, up to the next dot that is not content or all of them,
  // and returns the content among them. The result does not depend on how the stream is cut into
  // inputs, except for where pieces end.
  Piece next(ByteView& input);
  // Prepares for the start of a message.
  void restart() { state_ = State::LineStart; }

 private:
  enum class State : unsigned char {
    LineStart,  // at the start, or after CRLF
    Text,       // within a line
    Cr,         // after a CR
    Dot,        // after a dot at the start of a line; the dot is held back
    DotCr,      // after such a dot and a CR; both are held back
  };
  State state_ = State::LineStart;
};

}  // namespace gw::wire

// Dot-stuffing of CRLF text for POP3 and SMTP (RFC 5321 section 4.5.2, RFC 1939 section 3), as a stream.
//
//   DotWriter writer;
//   writer.write(piece, out); ...    // any pieces, cut anywhere
//   writer.finish(out);              // the final dot, whole
//
// A line starts at the beginning and behind a CRLF, nowhere else: a dot behind a bare CR or LF is left alone,
// because a receiver that keeps to the standard would not take a second one off again. Text that may hold
// bare line ends and goes to receivers of unknown strictness is turned into CRLF form first
// (mail/wire_form.h) or refused.
#pragma once

#include "base/bytes.h"

namespace gw::wire {

class DotWriter {
 public:
  // Appends `text` to `out` with each dot that starts a line doubled. Linear; octets between dots are copied
  // whole.
  void write(ByteView text, Bytes& out);

  // Appends what ends the text: a CRLF unless the text is empty or ends in one, then `.` CRLF. The writer is
  // as new afterwards.
  void finish(Bytes& out);

 private:
  enum class At : unsigned char { LineStart, AfterCr, InLine };
  bool starts_line(ByteView text, std::size_t at) const;

  At at_ = At::LineStart;
};

}  // namespace gw::wire

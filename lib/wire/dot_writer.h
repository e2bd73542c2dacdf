// Dot-stuffs text with CRLF line endings for POP3 and SMTP (RFC 1939 section 3, RFC 5321 section
// 4.5.2), as a stream.
//
//   DotWriter writer;
//   writer.write(piece, out); ...    // pieces may be cut anywhere
//   writer.finish(out);              // the final dot
//
// A line starts at the beginning and after CRLF, nowhere else. A dot after a bare CR or LF is not
// doubled, because a receiver that follows the RFC would not remove the second dot. Text that may
// have bare line endings and goes to receivers of unknown strictness is first converted to CRLF
// (mail/wire_form.h) or refused (smtp/bare_dot.h).
#pragma once

#include "base/bytes.h"

namespace gw::wire {

class DotWriter {
 public:
  // Appends `text` to `out` and doubles each dot that starts a line. The time is linear.
  void write(ByteView text, Bytes& out);

  // Ends the text: appends CRLF unless the text is empty or ends with CRLF, then `.` CRLF.
  // Afterwards the writer is ready for another text.
  void finish(Bytes& out);

 private:
  enum class At : unsigned char { LineStart, AfterCr, InLine };
  bool starts_line(ByteView text, std::size_t at) const;

  At at_ = At::LineStart;
};

}  // namespace gw::wire

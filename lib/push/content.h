// The content of a mail on its way to an SMTP or LMTP server.
//
// SMTP moves text: lines that end with CRLF (RFC 5321, section 2.3.8). A mail of such lines is sent
// as it is. A mail of which every line ends with LF, as files of Unix systems have it, is the same
// text, and each LF is sent as CRLF. A last line without a line ending gets one. Any other mail
// (with NUL, with a bare CR, or with both kinds of line endings) would not arrive as it is; it is
// binary and can only be sent to a server that offers BINARYMIME (RFC 3030).
#pragma once

#include <cstdint>
#include <functional>

#include "base/bytes.h"
#include "base/result.h"

namespace gw::push {

using Sink = std::function<Result<void>(ByteView)>;
// Passes all bytes of a mail to the sink, in pieces. It can be called several times.
using Feed = std::function<Result<void>(const Sink&)>;

// What must be known before the first byte is sent.
struct Form {
  std::uint64_t size = 0;  // bytes as sent, without the dots that SMTP doubles
  bool eight_bit = false;  // a byte above 0x7f
  bool binary = false;     // no text
  bool bare_lf = false;    // each LF is sent as CRLF
  bool open_end = false;   // CRLF is added at the end
};

// Reads all of the mail. So whatever is damaged in it is found before a server gets any of it.
// Fails as `feed` does.
Result<Form> examine(const Feed& feed);

// Passes the mail to `sink` as it is sent: Form::size bytes. Fails as `feed` and `sink` do.
Result<void> send(const Feed& feed, const Form& form, const Sink& sink);

}  // namespace gw::push

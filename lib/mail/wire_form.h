// What POP3 sends for a message (vault.md section 3), as a stream.
//
// Trace lines; then, if there are any and the message does not begin with a field name and a colon, one CRLF;
// then the message with each CRLF kept and each other CR or LF turned into CRLF; then a CRLF if the result is
// empty or does not end in one. NUL and 8-bit pass. Dot-stuffing is the POP3 side's business and not counted.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/bytes.h"

namespace gw::mail {

class WireForm {
 public:
  using Sink = std::function<void(ByteView)>;  // called with pieces in order; each valid during the call

  // `trace` holds lines without line ends.
  explicit WireForm(std::span<const std::string> trace);

  void write(ByteView octets, const Sink& sink);
  void finish(const Sink& sink);
  std::uint64_t octets() const { return octets_; }  // given to the sink so far

 private:
  void emit(ByteView piece, const Sink& sink);
  void begin(const Sink& sink);
  void body(ByteView octets, const Sink& sink);

  std::string head_;  // trace lines, until they are sent
  Bytes probe_;       // first octets, until it is clear whether a field name begins the message
  bool begun_ = false;
  bool after_cr_ = false;  // a CR was seen and not yet sent
  bool at_line_end_ = false;
  std::uint64_t octets_ = 0;
};

}  // namespace gw::mail

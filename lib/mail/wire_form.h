// What POP3 sends for a message (gw-vault(7), "What POP3 sends"), as a stream.
//
// The message with the trace lines at the place that mail/trace.h finds. An LF with the CRs before it is a
// line end and kept; every other LF or CR becomes a CRLF; a CRLF follows if the result is empty or does not
// end in one. So every line ends with CRLF, and lines that end with CR CR LF do not become two. NUL and 8-bit
// bytes pass. Dot-stuffing is left to the POP3 side and not counted.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"

namespace gw::mail {

class TracePlacer;

class WireForm {
 public:
  using Sink = std::function<void(ByteView)>;  // called with pieces in order; each valid during the call

  // `trace` holds lines without line ends.
  explicit WireForm(std::span<const std::string> trace);
  WireForm(WireForm&&) noexcept;
  ~WireForm();

  void write(ByteView octets, const Sink& sink);
  void finish(const Sink& sink);
  std::uint64_t octets() const { return octets_; }  // passed to the sink so far

 private:
  void emit(ByteView piece, const Sink& sink);
  void begin(ByteView rest, const Sink& sink);
  void body(ByteView octets, const Sink& sink);
  void end_crs(bool lf, const Sink& sink);

  std::string head_;                     // trace lines, until they are sent
  std::unique_ptr<TracePlacer> placer_;  // until it is known where they go; else null
  Bytes held_;                           // the start of the message, until then
  std::uint64_t crs_ = 0;                // CRs that were seen and not sent yet
  bool at_line_end_ = false;
  std::uint64_t octets_ = 0;
};

}  // namespace gw::mail

// Converts a stored message to the form in which POP3 sends it (gw-vault(7), "What POP3 sends"), as
// a stream.
//
// The trace lines are inserted at the place that mail/trace.h finds. An LF with the CRs before it
// is a line ending and is kept; every other LF or CR becomes CRLF; CRLF is added if the result is
// empty or does not end with it. So every line ends with CRLF, and lines that end with CR CR LF do
// not become two. NUL and 8-bit bytes pass unchanged. Dot-stuffing is done later, by
// wire::DotWriter, and is not counted in size().
//
//   WireForm form(trace_lines(…));
//   while (…) form.write(piece, sink);
//   form.finish(sink);
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
  // Receives the result in pieces, in order. A piece is valid only during the call.
  using Sink = std::function<void(ByteView)>;

  // Copies `trace`: lines without line endings; empty for none.
  explicit WireForm(std::span<const std::string> trace);
  WireForm(WireForm&&) noexcept;
  ~WireForm();

  // Converts more of the message, cut anywhere. Holds back at most 16 KiB and the last piece until
  // the place of the trace lines is known.
  void write(ByteView data, const Sink& sink);
  // Ends the message. The object cannot be used again.
  void finish(const Sink& sink);
  std::uint64_t size() const { return size_; }  // bytes passed to the sink so far

 private:
  void emit(ByteView piece, const Sink& sink);
  void begin(ByteView rest, const Sink& sink);
  void body(ByteView data, const Sink& sink);
  void end_crs(bool lf, const Sink& sink);

  std::string head_;                     // trace lines, until they are sent
  std::unique_ptr<TracePlacer> placer_;  // null after the place of the trace lines is known
  Bytes held_;                           // the start of the message, until then
  std::uint64_t crs_ = 0;                // CRs at the end of the input, not yet sent
  bool at_line_end_ = false;
  std::uint64_t size_ = 0;
};

}  // namespace gw::mail

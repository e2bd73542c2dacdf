// Scans the bytes of a message for properties that the envelope records: bare line endings, long
// lines, 8-bit bytes and NUL. A program that exports or relays the message needs them, because some
// systems refuse or change such mail (RFC 5321, section 4.5.3.1.6; RFC 5322, section 2.1.1).
//
//   ContentScan scan;
//   scan.write(bytes); ...
//   scan.finish();
//   if (scan.bare_newline()) ...
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace gw::vault {

// Constant memory, linear time, input cut anywhere. Not thread safe.
class ContentScan {
 public:
  // Scans the next bytes of the message.
  void write(ByteView data);
  // Ends the scan; call it once. Only then is a CR at the very end known to be a bare one.
  void finish();

  bool bare_newline() const {
    return bare_newline_;
  }  // a CR or LF that is not part of a CRLF; final after finish()
  bool long_line() const { return long_line_; }  // a line of over 998 bytes without its line ending
  bool eight_bit() const { return eight_bit_; }  // a byte above 0x7f
  bool nul() const { return nul_; }

 private:
  void lines(std::string_view text);
  void paired_lines(std::string_view text);
  void grow_line(std::size_t size);

  std::uint64_t line_ = 0;  // bytes since the last CR or LF
  bool after_cr_ = false;   // the last byte was a CR whose LF may still come
  bool bare_newline_ = false;
  bool long_line_ = false;
  bool eight_bit_ = false;
  bool nul_ = false;
};

}  // namespace gw::vault

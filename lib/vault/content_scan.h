// What is noted of a message's octets as they pass: line ends, line lengths, 8-bit, NUL.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace gw::vault {

class ContentScan {
 public:
  void write(ByteView octets);
  void finish();

  // Of all octets written; the first two are final after finish().
  bool bare_newline() const { return bare_newline_; }  // a CR or LF that is not part of a CRLF
  bool long_line() const { return long_line_; }        // over 998 octets without the line end
  bool eight_bit() const { return eight_bit_; }
  bool nul() const { return nul_; }

 private:
  void lines(std::string_view text);
  void paired_lines(std::string_view text);
  void grow_line(std::size_t octets);

  std::uint64_t line_ = 0;  // octets since the last CR or LF
  bool after_cr_ = false;
  bool bare_newline_ = false;
  bool long_line_ = false;
  bool eight_bit_ = false;
  bool nul_ = false;
};

}  // namespace gw::vault

// The lines of a source, in fragments of bounded size.
//
// A line ends with LF; the CR in front of it is part of the line end. A bare CR ends nothing: part delimiters
// are looked for where mail transport puts them, and a mail with odd line ends is cut out as it came.
#pragma once

#include <optional>

#include "mime/source.h"

namespace gw::mime {

struct Fragment {
  std::uint64_t offset = 0;
  ByteView octets;  // the line end included; valid until the next call
  bool starts_line = false;
  bool ends_line = false;
  bool at_end = false;  // nothing follows
  std::size_t eol = 0;  // octets of the line end: 2, 1, or 0 where the line goes on or the source ends
  std::uint64_t end() const { return offset + octets.size(); }
};

class Lines {
 public:
  // A line of at most this many octets, its end included, is always one fragment.
  static constexpr std::size_t kWholeLine = 1024;

  // The source must outlive it. `read_size` is how much is asked for at a time.
  Lines(Source& source, std::size_t read_size);

  // The next fragment, never empty; none at the end.
  Result<std::optional<Fragment>> next();
  // Goes on at this offset, as at the start of a line.
  void seek(std::uint64_t offset);

 private:
  Result<void> fill();

  Source& source_;
  std::size_t read_size_;
  Bytes buffer_;
  std::uint64_t base_ = 0;  // offset of the buffer's first octet
  std::size_t used_ = 0;    // octets in the buffer
  std::uint64_t at_ = 0;
  bool line_start_ = true;
  bool after_cr_ = false;
};

}  // namespace gw::mime

// Reads a source line by line, in fragments of bounded size.
//
// A line ends with LF; a CR before it is part of the line ending. A bare CR ends no line: part
// delimiters are recognised only where mail transport puts them, and a mail with unusual line
// endings keeps its bytes.
#pragma once

#include <optional>

#include "mime/source.h"

namespace gw::mime {

// A whole line, or a piece of a long one.
struct Fragment {
  std::uint64_t offset = 0;
  ByteView data;  // with the line ending; valid until the next call of next()
  bool starts_line = false;
  bool ends_line = false;
  bool at_end = false;  // the last fragment of the source
  std::size_t eol = 0;  // bytes of the line ending: 2, 1, or 0 if the fragment has none
  std::uint64_t end() const { return offset + data.size(); }
};

class Lines {
 public:
  // A line of at most this many bytes, with its ending, is always one fragment.
  static constexpr std::size_t kWholeLine = 1024;

  // The source must outlive this object. `read_size` is the number of bytes read from it at a time.
  Lines(Source& source, std::size_t read_size);

  // Returns the next fragment, which is never empty; nullopt at the end. Fails only if the source
  // does.
  Result<std::optional<Fragment>> next();
  // Continues at this offset, and treats it as the start of a line.
  void seek(std::uint64_t offset);

 private:
  Result<void> fill();

  Source& source_;
  std::size_t read_size_;
  Bytes buffer_;
  std::uint64_t base_ = 0;  // offset of the buffer's first byte in the source
  std::size_t used_ = 0;    // bytes in the buffer
  std::uint64_t at_ = 0;    // offset of the next fragment
  bool line_start_ = true;
  bool after_cr_ = false;
};

}  // namespace gw::mime

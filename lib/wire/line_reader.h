// Splits the bytes of a client or server into command lines. A line ends with CRLF and with nothing
// else, and its length is limited.
//
// A bare CR or LF, a NUL or an overlong line is a fault. It is reported immediately, without
// waiting for a CRLF that may never come, because two readers must never disagree about where a
// command ends (command smuggling). After a fault the reader drops everything up to the next CRLF.
// It reports each further bare LF in the dropped bytes too, so that a client that ends all its
// lines with LF receives a reply to each.
//
//   while (!input.empty()) {
//     LineReader::Found found = reader.next(input);   // removes bytes from the front of `input`
//     if (found.kind == LineReader::Kind::Line) obey(found.text);
//   }
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "base/bytes.h"

namespace gw::wire {

class LineReader {
 public:
  enum class Kind : unsigned char { NeedMore, Line, Fault };
  enum class Fault : unsigned char { None, BareCr, BareLf, Nul, TooLong };
  struct Found {
    Kind kind = Kind::NeedMore;
    Fault fault = Fault::None;
    // The line without its CRLF, or the bytes of the line before the fault. A view of the input if
    // the line arrived in one piece, otherwise of the reader. Valid until the next call, and as
    // long as the input.
    std::string_view text;
  };

  // `limit` is the greatest length of a line in bytes, without its CRLF.
  explicit LineReader(std::size_t limit) : limit_(limit) {}
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;
  ~LineReader() { forget(); }

  // Removes one line, or one fault, from the front of `input`. Returns NeedMore if `input` is used
  // up; the reader then keeps a copy of the unfinished line at its end.
  Found next(ByteView& input);

  // Sets the limit of the following lines. Call it only between lines: an unfinished line is
  // dropped.
  void set_limit(std::size_t limit);
  // Drops and wipes an unfinished line; the next byte starts a line. Needed after STARTTLS, so that
  // bytes sent in clear are not joined to a command inside TLS.
  void forget();

 private:
  Found fault(Fault fault, std::string_view text);
  Found skip(ByteView& input);
  void drop_kept();

  std::size_t limit_;
  // An unfinished line; null as long as lines arrive in one piece. It is wiped after use, because
  // it may hold a password. Its size is `limit_ + 1`: a line of full length and a CR that waits for
  // its LF.
  std::unique_ptr<char[]> kept_;
  std::size_t size_ = 0;
  bool used_ = false;      // kept_ was returned by the last call; the next call drops it
  bool skipping_ = false;  // after a fault, until CRLF
  bool after_cr_ = false;  // while skipping
};

}  // namespace gw::wire

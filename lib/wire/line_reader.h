// Command lines: ended by CRLF and by nothing else, bounded, judged octet by octet.
//
// A bare CR or LF, a NUL or too long a line is reported at once, without waiting for a CRLF that may never
// come: whoever speaks so must not be able to make two readers disagree about where a command ends. What
// follows a fault, up to the next CRLF, is dropped unread; a further bare LF in it is reported again, so that
// a client that ends all its lines with LF hears an answer to each.
//
//   while (!input.empty()) {
//     LineReader::Found found = reader.next(input);   // takes from the front of `input`
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
    // The line without its CRLF, or what stood before the fault. A view of the input where the line arrived
    // whole, else of the reader; valid until the next call and as long as the input.
    std::string_view text;
  };

  // `limit`: octets of a line without its CRLF.
  explicit LineReader(std::size_t limit) : limit_(limit) {}
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;
  ~LineReader() { forget(); }

  // Takes one line, or one fault, from the front of `input`. NeedMore: `input` is used up, and the beginning
  // of a line that it ended with is kept here.
  Found next(ByteView& input);

  // For the lines to come. Only between lines: what is kept is dropped.
  void set_limit(std::size_t limit);
  // Drops and wipes what is kept, and looks for the beginning of a line.
  void forget();

 private:
  Found fault(Fault fault, std::string_view text);
  Found skip(ByteView& input);
  void drop_kept();

  std::size_t limit_;
  // The beginning of a line, made where one arrives in pieces and wiped when it is done with: it may hold a
  // password. Its size is `limit_ + 1`, so a CR that waits for its LF has room.
  std::unique_ptr<char[]> kept_;
  std::size_t size_ = 0;
  bool used_ = false;      // what is kept was given out and ends with the next call
  bool skipping_ = false;  // behind a fault, looking for a CRLF
  bool after_cr_ = false;  // while skipping
};

}  // namespace gw::wire

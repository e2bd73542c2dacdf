// Walking over the header of a message (RFC 5322 section 2.2), as a stream.
//
// Finds where the header ends and the first field of each name asked for. It does not parse fields' values,
// decode words or look into bodies. It takes mail as it comes: a line ends with CRLF, CR or LF, as in the
// wire form; an mbox `From ` line in front is passed over; a line that is neither field nor continuation
// begins the body. Linear in time, bounded in memory: what is over a cap is left out, and truncated() says
// so.
//
//   HeaderWalker walker({"Message-ID"});
//   while (!walker.done() && more) walker.write(piece);
//   walker.finish();
//   if (const std::string* id = walker.field("message-id")) ...
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace gw::mail {

struct HeaderLimits {
  std::size_t octets = 1 << 20;  // of the whole header; the walk ends there
  std::size_t fields = 10'000;   // the walk ends there
  std::size_t value = 16 << 10;  // kept of one value
};

class HeaderWalker {
 public:
  explicit HeaderWalker(std::vector<std::string> names, HeaderLimits limits = {});

  // More of the message, cut anywhere. Once done() the rest is ignored.
  void write(ByteView octets);
  // The message ends here.
  void finish();
  bool done() const { return done_; }

  // The first field of this name, unfolded (RFC 5322 section 2.2.3), without blanks at its ends; null where
  // there is none. Case is ignored. Only names given to the constructor are kept. Valid until the next call
  // of write().
  const std::string* field(std::string_view name) const;

  std::uint64_t octets() const { return octets_; }  // of the header, the empty line behind it included
  std::size_t fields() const { return count_; }
  bool truncated() const { return truncated_; }  // a cap was reached

 private:
  struct Wanted {
    std::string name;
    std::string value;
    bool found = false;
  };
  void add_to_line(ByteView piece);
  void end_line();
  bool start_field();

  std::vector<Wanted> wanted_;
  HeaderLimits limits_;
  std::string line_;  // start of the line in hand, capped
  std::uint64_t line_octets_ = 0;
  std::uint64_t line_start_ = 0;
  Wanted* open_ = nullptr;  // the field that a continuation would go on
  bool any_field_ = false;
  bool first_line_ = true;
  bool after_cr_ = false;
  bool done_ = false;
  bool truncated_ = false;
  std::size_t count_ = 0;
  std::uint64_t octets_ = 0;
};

}  // namespace gw::mail

// What separates the mails of an mbox file (RFC 4155). Reader, writer and import all use these definitions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace gw::transfer {

inline constexpr std::string_view kMboxFrom = "From ";
inline constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";  // of UTF-8

// `From someone@x Mon Mar  3 10:00:00 2025`: a separator line with a date as ctime prints it.
bool dated_separator(std::string_view line);

// Whether this line starts a header field: a name without spaces, then a colon. Names with 8-bit characters
// count, because programs write them.
bool starts_field(std::string_view line);
// Whether this can be the first line of a mail in an mbox. Some programs keep a quoted separator there.
bool starts_mail(std::string_view line);

// Counts the lines after the first that look like separators, without regard to lengths, empty lines and what
// the file's other separators look like: a check that does not depend on MboxReader. Bounded memory.
class SeparatorCount {
 public:
  void write(ByteView octets);  // more of the octets, cut anywhere
  void finish();

  std::uint64_t any() const { return any_; }            // lines that begin with `From `
  std::uint64_t dated() const { return dated_; }        // those with a date
  std::uint64_t followed() const { return followed_; }  // those with a date that a header follows

 private:
  void end_line();

  std::string line_;    // the start of the line in hand
  bool begun_ = false;  // the first line that is not empty is passed
  bool after_cr_ = false;
  bool after_dated_ = false;
  std::uint64_t any_ = 0, dated_ = 0, followed_ = 0;
};

}  // namespace gw::transfer

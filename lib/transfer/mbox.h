// What separates the mails of an mbox file (RFC 4155). Reader, writer and import share these
// definitions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace gw::transfer {

inline constexpr std::string_view kMboxFrom = "From ";
inline constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";  // of UTF-8

// Checks for a separator line with a date as ctime(3) prints it: `From someone@x Mon Mar  3
// 10:00:00 2025`.
bool dated_separator(std::string_view line);

// Checks whether the line starts a header field: a name without spaces, then a colon. Unlike RFC
// 5322 it allows 8-bit characters in names, because some programs write them.
bool starts_field(std::string_view line);
// Checks whether the line can be the first line of a mail in an mbox. Besides a field this may be a
// quoted separator (`>From `), which some programs keep there.
bool starts_mail(std::string_view line);

// Counts the lines after the first that look like separators, regardless of Content-Length, of
// empty lines and of what the file's other separators look like. The import uses it as a check that
// does not depend on MboxReader. Bounded memory.
class SeparatorCount {
 public:
  // Counts in the next bytes, which may be cut anywhere.
  void write(ByteView data);
  // Ends the count; call it once, before reading the numbers.
  void finish();

  std::uint64_t any() const { return any_; }            // beginning with `From `
  std::uint64_t dated() const { return dated_; }        // those with a date
  std::uint64_t followed() const { return followed_; }  // those with a date and a field after

 private:
  void end_line();

  std::string line_;    // the start of the current line
  bool begun_ = false;  // the first non-empty line is over
  bool after_cr_ = false;
  bool after_dated_ = false;
  std::uint64_t any_ = 0, dated_ = 0, followed_ = 0;
};

}  // namespace gw::transfer

// Reads the mails of an mbox file, one after another, in the forms that programs write.
//
//   MboxReader reader(source, form);
//   while (auto mail = reader.next(); mail && *mail)
//     while (auto piece = reader.read(); piece && !piece->empty()) ...
//
// A mail begins after a separator line `From sender date`. mboxrd puts a `>` before each line of the mail
// that is `From ` after any number of `>`; mboxo only before those without one; with Content-Length (mboxcl,
// mboxcl2) nothing has to be quoted.
//
// A `From ` line with a date that a header field follows is a separator, with or without an empty line before
// it (RFC 4155 appendix A asks readers to be liberal). Other `From ` lines are separators if they look like
// the first one of the file and are followed by what follows that one, so that `From here on` in a text is
// none. The empty line before a separator, or at the end, belongs to the file and not to the mail. Bounded
// memory, linear time for any input.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mime/source.h"
#include "transfer/mbox.h"

namespace gw::transfer {

struct MboxForm {
  enum class Quoting : unsigned char { Rd, O, None };
  Quoting quoting = Quoting::Rd;
  bool lengths = false;  // a Content-Length that ends where a mail ends counts, and its mail is not quoted
  // The writer is known to quote, so that every unquoted `From ` line is a separator, whatever follows it.
  bool quoted = false;

  // Whether half of the mails at the file's start have a Content-Length that counts. In mboxrd only that of a
  // mail in which nothing is quoted can.
  static Result<MboxForm> guess(mime::Source& source);
};

class MboxReader {
 public:
  struct Mail {
    std::uint64_t offset = 0;  // of the separator line
    std::string separator;     // without its line end; at most 1024 bytes of it
  };

  // The source must outlive it.
  MboxReader(mime::Source& source, MboxForm form) : source_(source), form_(form) {}

  // Goes to the next mail, or none at the end. BadInput: the file does not begin with a separator.
  Result<std::optional<Mail>> next();
  // The next octets of this mail, valid until the next call; empty at its end.
  Result<ByteView> read();
  // Again from the first octet of this mail.
  void rewind();

  bool by_length() const { return until_.has_value(); }  // how this mail's end is known
  // Behind the mail, once it is read: where the next separator is, or the end.
  std::uint64_t end() const { return position(); }
  bool closed() const { return closed_; }  // the empty line behind it was there

 private:
  enum class At : unsigned char { LineStart, Quotes, Inside };
  enum class Style : unsigned char { Unknown, Dated, Dash, Token, Any };

  std::uint64_t position() const { return base_ + at_; }
  Result<void> fill(std::size_t ahead = 0);
  void go_to(std::uint64_t offset);
  Result<bool> start();
  Result<void> skip_line();
  Result<void> look_for_length();
  std::string_view line_at(std::size_t at) const;
  std::optional<std::string_view> line_after(std::size_t at) const;
  std::size_t blank_at(std::size_t at) const;
  bool separator_at(std::size_t at, bool after_blank) const;
  Result<ByteView> read_by_length();
  Result<ByteView> read_by_lines();

  mime::Source& source_;
  MboxForm form_;
  Style style_ = Style::Unknown;
  bool headers_ = true;  // the file's first mail begins with a header
  char newline_ = '\n';
  Bytes buffer_;
  std::uint64_t base_ = 0;  // offset of the buffer's first octet
  std::size_t at_ = 0;      // in the buffer
  bool begun_ = false;
  bool done_ = true;  // with the mail in hand
  bool closed_ = false;
  At state_ = At::LineStart;
  std::uint64_t quotes_ = 0;
  std::uint64_t first_ = 0;             // offset of this mail's first octet
  std::optional<std::uint64_t> until_;  // its end, where its length says so
};

}  // namespace gw::transfer

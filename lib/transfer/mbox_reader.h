// Reads the mails of an mbox file one after another, in the variants that programs write.
//
//   MboxReader reader(source, form);
//   while (auto mail = reader.next(); mail && *mail)
//     while (auto piece = reader.read(); piece && !piece->empty()) ...
//
// A mail begins after a separator line `From sender date`. The variants differ in how they protect
// lines of the mail that look like a separator. mboxrd inserts a `>` before each line that consists
// of any number of `>` and `From `; mboxo only before lines that begin with `From `; mboxcl and
// mboxcl2 rely on a Content-Length field.
//
// A dated `From ` line that a header field follows is a separator, with or without an empty line
// before it (RFC 4155, appendix A, asks readers to be liberal). Any other `From ` line is a
// separator if it looks like the first one of the file and is followed by the same kind of line, so
// that `From here on` in a text is not one. The empty line before a separator, or at the end,
// belongs to the file and not to the mail. Bounded memory and linear time for any input.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mime/source.h"
#include "transfer/mbox.h"

namespace gw::transfer {

// The variant of an mbox file.
struct MboxForm {
  // mboxrd, mboxo, or no quoting.
  enum class Quoting : unsigned char { Rd, O, None };
  Quoting quoting = Quoting::Rd;
  // Honour a Content-Length that ends where a mail ends; such a mail is taken as not quoted.
  bool lengths = false;
  // The writer is known to quote, so that every unquoted `From ` line is a separator, whatever
  // follows it.
  bool quoted = false;

  // Returns the form that the file seems to have: Content-Length counts if at least half of the
  // mails in the first 4 MiB have one that ends where a mail ends. Fails as MboxReader::next().
  static Result<MboxForm> guess(mime::Source& source);
};

// Not thread safe.
class MboxReader {
 public:
  struct Mail {
    std::uint64_t offset = 0;  // of the separator line, in bytes
    std::string separator;     // without its line ending, cut at 1024 bytes
  };

  // The source must outlive the reader.
  MboxReader(mime::Source& source, MboxForm form) : source_(source), form_(form) {}

  // Goes to the next mail, reading past the rest of the current one. Returns nullopt at the end of
  // the file. Fails with BadInput if the file does not begin with a separator.
  Result<std::optional<Mail>> next();
  // Returns the next bytes of the current mail, without quoting, or an empty view at its end. The
  // view is valid until the next call.
  Result<ByteView> read();
  // Makes read() start again at the first byte of the current mail.
  void rewind();

  // Checks whether the current mail ends where its Content-Length says.
  bool by_length() const { return until_.has_value(); }
  // Returns the offset after the mail, where the next separator is or the file ends. Valid after
  // read() has returned an empty view.
  std::uint64_t end() const { return position(); }
  // Checks whether the empty line after the mail was present. MboxWriter uses it to detect a cut
  // file.
  bool closed() const { return closed_; }

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
  bool headers_ = true;
  char newline_ = '\n';
  Bytes buffer_;
  std::uint64_t base_ = 0;  // offset of the buffer's first byte
  std::size_t at_ = 0;      // read position in the buffer
  bool begun_ = false;
  // The current mail was read to its end.
  bool done_ = true;
  bool closed_ = false;
  At state_ = At::LineStart;
  // Number of `>` at the start of the current line.
  std::uint64_t quotes_ = 0;
  std::uint64_t first_ = 0;             // offset of the current mail's first byte
  std::optional<std::uint64_t> until_;  // its end, if Content-Length is honoured
};

}  // namespace gw::transfer

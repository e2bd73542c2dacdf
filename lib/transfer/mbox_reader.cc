#include "transfer/mbox_reader.h"

#include <algorithm>
#include <cstring>

#include "base/text.h"

namespace gw::transfer {
namespace {

constexpr std::size_t kLine = 1024;  // bytes of a line that are examined
// What must be in the buffer to decide about a line: the line and the next one.
constexpr std::size_t kLook = 2 * kLine;
constexpr std::size_t kRead = 64 << 10;
constexpr std::uint64_t kSample = 4 << 20;       // bytes that guess() examines
constexpr std::uint64_t kHeaderBytes = 1 << 20;  // bytes in which Content-Length is searched

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> found;
  for (const std::string_view word : split(text, ' '))
    if (!word.empty()) found.push_back(word);
  return found;
}

}  // namespace

// Content-Length fields also occur in mboxrd files, where they count the unquoted mail and are
// wrong as soon as a line is quoted. So they are used only if most of them fit.
Result<MboxForm> MboxForm::guess(mime::Source& source) {
  MboxForm form;
  form.lengths = true;
  MboxReader reader(source, form);
  std::size_t mails = 0;
  std::size_t by_length = 0;
  for (;;) {
    const auto mail = reader.next();
    if (!mail) return mail.error();
    if (!*mail || (*mail)->offset > kSample) break;
    ++mails;
    by_length += reader.by_length() ? 1 : 0;
  }
  form.lengths = by_length * 2 >= mails;
  return form;
}

void MboxReader::go_to(std::uint64_t offset) {
  if (offset >= base_ && offset <= base_ + buffer_.size()) {
    at_ = static_cast<std::size_t>(offset - base_);
    return;
  }
  buffer_.clear();
  base_ = offset;
  at_ = 0;
}

// Makes the buffer contain the bytes up to kLook after `ahead` bytes from at_, as far as the file
// has them. Bytes before at_ are dropped.
Result<void> MboxReader::fill(std::size_t ahead) {
  const std::uint64_t have = base_ + buffer_.size();
  if (buffer_.size() >= at_ + ahead + kLook || have == source_.size()) return {};
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at_));
  base_ += at_;
  at_ = 0;
  const auto more = static_cast<std::size_t>(std::min<std::uint64_t>(source_.size() - have, kRead));
  const std::size_t old = buffer_.size();
  buffer_.resize(old + more);
  return source_.read(have, std::span(buffer_).subspan(old));
}

// Returns at most kLine bytes of the line at `at`, without its ending.
std::string_view MboxReader::line_at(std::size_t at) const {
  std::string_view line = as_text(buffer_).substr(at, kLine);
  line = line.substr(0, line.find(newline_));
  if (newline_ == '\n' && line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// Returns the length of an empty line at `at`, or 0 if there is none.
std::size_t MboxReader::blank_at(std::size_t at) const {
  const std::string_view text = as_text(buffer_).substr(at, 2);
  if (text.starts_with(newline_)) return 1;
  return newline_ == '\n' && text == "\r\n" ? 2 : 0;
}

// Returns the line after the one at `at`, as line_at() does, or nullopt if it is farther than kLine
// away or the file ends.
std::optional<std::string_view> MboxReader::line_after(std::size_t at) const {
  const std::size_t end = as_text(buffer_).substr(at, kLine).find(newline_);
  if (end == std::string_view::npos || base_ + at + end + 1 == source_.size()) return std::nullopt;
  return line_at(at + end + 1);
}

bool MboxReader::separator_at(std::size_t at, bool after_blank) const {
  if (as_text(buffer_).substr(at, kMboxFrom.size()) != kMboxFrom) return false;
  if (form_.quoted) return true;
  const std::string_view line = line_at(at);
  const auto next = line_after(at);
  const bool dated = dated_separator(line);
  const bool header = next && starts_mail(*next);
  // RFC 4155, appendix A: an empty line before the separator is usual but not required.
  if (dated && header) return true;
  // Text that quotes a separator continues with text. A mail without a header begins with an empty
  // line, or is in a file whose first mail has no header either. An empty mail is followed by a
  // separator or the end of the file.
  if (headers_ && !header && next && !trim(*next).empty() && !dated_separator(*next)) return false;
  // Separators of one file are written by one program, so they look like the first one.
  switch (style_) {
    case Style::Dated:
      return dated && after_blank;
    case Style::Dash:
      return trim(line.substr(kMboxFrom.size())) == "-";
    case Style::Token:
      return after_blank && words(line.substr(kMboxFrom.size())).size() == 1;
    case Style::Any:
    case Style::Unknown:
      break;
  }
  return after_blank;
}

// Looks at the beginning of the file: line endings, byte order mark, and the style of the
// separators. Returns false if the file has no mail.
Result<bool> MboxReader::start() {
  begun_ = true;
  if (auto filled = fill(); !filled) return filled.error();
  const std::string_view text = as_text(buffer_);
  const std::size_t end = text.find_first_of("\r\n");
  if (end != std::string_view::npos && text[end] == '\r' && end + 1 < text.size() && text[end + 1] != '\n')
    // A file with CR as line ending, as old Macintosh programs wrote it.
    newline_ = '\r';
  if (text.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
  for (;;) {
    if (auto filled = fill(); !filled) return filled.error();
    const std::size_t blank = blank_at(at_);
    if (blank == 0) break;
    at_ += blank;
  }
  if (at_ == buffer_.size()) return false;
  const std::string_view line = line_at(at_);
  if (!line.starts_with(kMboxFrom)) {
    // Some exports begin with a text of their own, or with a mail that has lost its separator.
    style_ = Style::Any;
    return Error(Code::BadInput, "not an mbox: does not begin with a `From ` line");
  }
  const std::string_view rest = trim(line.substr(kMboxFrom.size()));
  style_ = dated_separator(line)     ? Style::Dated
           : rest == "-"             ? Style::Dash
           : words(rest).size() == 1 ? Style::Token
                                     : Style::Any;
  const auto first = line_after(at_);
  headers_ = first && starts_mail(*first);
  return true;
}

// Goes to the line after the one at at_, however long that one is.
Result<void> MboxReader::skip_line() {
  for (;;) {
    const std::size_t end = as_text(buffer_).find(newline_, at_);
    at_ = end == std::string_view::npos ? buffer_.size() : end + 1;
    if (end != std::string_view::npos) return {};
    if (auto more = fill(); !more) return more;
    if (at_ == buffer_.size()) return {};
  }
}

Result<std::optional<MboxReader::Mail>> MboxReader::next() {
  while (!done_) {
    const auto skipped = read();
    if (!skipped) return skipped.error();
  }
  if (!begun_) {
    const auto any = start();
    if (!any) return any.error();
    if (!*any) return std::optional<Mail>();
  }
  if (auto filled = fill(); !filled) return filled.error();
  if (at_ == buffer_.size()) return std::optional<Mail>();
  Mail mail;
  mail.offset = position();
  mail.separator = std::string(line_at(at_));
  if (auto passed = skip_line(); !passed) return passed.error();
  done_ = false;
  first_ = position();
  until_.reset();
  if (form_.lengths) {
    if (auto looked = look_for_length(); !looked) return looked.error();
  }
  rewind();
  return std::optional(std::move(mail));
}

void MboxReader::rewind() {
  go_to(first_);
  state_ = At::LineStart;
  quotes_ = 0;
  done_ = false;
  closed_ = false;
}

// Content-Length counts only if it ends at a separator or at the end of the file, with nothing but
// empty lines between. It is searched in every line up to the first empty one, because a line that
// is not a field must not hide it.
Result<void> MboxReader::look_for_length() {
  constexpr std::string_view kName = "Content-Length";
  std::optional<std::uint64_t> length;
  for (go_to(first_);;) {
    if (auto filled = fill(); !filled) return filled;
    // A separator within the header means that the mail has no body.
    if (at_ == buffer_.size() || position() - first_ > kHeaderBytes || separator_at(at_, false)) return {};
    if (const std::size_t blank = blank_at(at_); blank > 0) {
      at_ += blank;
      break;
    }
    const std::string_view line = line_at(at_);
    const std::size_t colon = line.find(':');
    if (!length && colon != std::string_view::npos && iequals(trim(line.substr(0, colon)), kName))
      length = parse_number(trim(line.substr(colon + 1)));
    if (auto passed = skip_line(); !passed) return passed;
  }
  const std::uint64_t body = position();
  // Guards the addition below against overflow, too.
  if (!length || *length > source_.size() - body) return {};
  const std::uint64_t end = body + *length;
  go_to(end);
  if (auto filled = fill(); !filled) return filled.error();
  std::size_t behind = at_;
  bool blank = false;
  while (const std::size_t more = blank_at(behind)) {
    behind += more;
    blank = true;
  }
  const bool at_end = behind == buffer_.size() && base_ + buffer_.size() == source_.size();
  if (at_end || (blank && separator_at(behind, true))) until_ = end;
  return {};
}

Result<ByteView> MboxReader::read() {
  if (done_) return ByteView();
  return until_ ? read_by_length() : read_by_lines();
}

Result<ByteView> MboxReader::read_by_length() {
  if (position() < *until_) {
    if (auto filled = fill(); !filled) return filled.error();
    const auto size =
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size() - at_, *until_ - position()));
    at_ += size;
    return ByteView(buffer_).subspan(at_ - size, size);
  }
  // The empty lines after the mail belong to the file.
  for (;;) {
    if (auto filled = fill(); !filled) return filled.error();
    const std::size_t blank = blank_at(at_);
    if (blank == 0) break;
    at_ += blank;
    closed_ = true;
  }
  done_ = true;
  return ByteView();
}

// Returns runs of bytes that are contiguous in the buffer; only a dropped `>` or the end of the
// mail ends a run early. The state is kept across calls, since a line may be longer than the
// buffer.
Result<ByteView> MboxReader::read_by_lines() {
  // Length of an empty line before `i`, which may belong to the file.
  std::size_t held = 0;
  for (;;) {
    if (auto filled = fill(kRead / 2); !filled) return filled.error();
    const bool last = base_ + buffer_.size() == source_.size();
    // Up to here each line and its successor are in the buffer, so that separator_at() sees both.
    const std::size_t usable = last ? buffer_.size() : buffer_.size() - kLook;
    std::size_t i = at_;
    bool first_line = position() == first_;
    held = 0;
    while (i < usable) {
      if (state_ == At::LineStart) {
        // The first line of a mail follows its separator: a second separator there means that the
        // mail is empty.
        if (separator_at(i, held > 0 || first_line)) {
          const ByteView run = ByteView(buffer_).subspan(at_, i - held - at_);
          closed_ = held > 0;
          at_ = i;
          done_ = true;
          return run;
        }
        first_line = false;
        if (const std::size_t blank = blank_at(i); blank > 0) {
          held = blank;
          i += blank;
          continue;
        }
        held = 0;
        quotes_ = 0;
        state_ = buffer_[i] == std::byte{'>'} ? At::Quotes : At::Inside;
      } else if (state_ == At::Quotes) {
        if (buffer_[i] == std::byte{'>'}) {
          ++quotes_;
          ++i;
          continue;
        }
        state_ = At::Inside;
        const bool quoted = as_text(buffer_).substr(i, kMboxFrom.size()) == kMboxFrom && quotes_ > 0 &&
                            (form_.quoting == MboxForm::Quoting::Rd ||
                             (form_.quoting == MboxForm::Quoting::O && quotes_ == 1));
        // One of the `>` is dropped: the last one instead of the first. The result is the same, and
        // the length of the row need not be remembered.
        if (quoted) {
          const ByteView run = ByteView(buffer_).subspan(at_, i - 1 - at_);
          at_ = i;
          if (!run.empty()) return run;
        }
      } else {
        const void* end = std::memchr(buffer_.data() + i, newline_, buffer_.size() - i);
        if (end == nullptr) {
          i = buffer_.size();
        } else {
          i = static_cast<std::size_t>(static_cast<const std::byte*>(end) - buffer_.data()) + 1;
          state_ = At::LineStart;
        }
      }
    }
    if (last) {
      const bool ends_blank = state_ == At::LineStart && held > 0;
      const ByteView run = ByteView(buffer_).subspan(at_, i - (ends_blank ? held : 0) - at_);
      closed_ = ends_blank;
      at_ = i;
      done_ = true;
      return run;
    }
    // Bytes that may turn out to belong to the file, depending on what follows, are held back: an
    // empty line, a `>`.
    std::size_t back = 0;
    if (state_ == At::LineStart) back = held;
    if (state_ == At::Quotes && quotes_ > 0) {
      back = 1;
      --quotes_;
    }
    const ByteView run = ByteView(buffer_).subspan(at_, i - back - at_);
    at_ = i - back;
    // The loop continues if there is nothing to return yet. fill() then makes space by dropping
    // what is before at_.
    if (!run.empty()) return run;
  }
}

}  // namespace gw::transfer

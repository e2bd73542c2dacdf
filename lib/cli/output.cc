#include "cli/output.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <nlohmann/json.hpp>

#include "base/exit_status.h"
#include "base/file.h"
#include "base/text.h"

namespace gw::cli {
namespace {

// Bytes that are gathered before they are written.
constexpr std::size_t kGather = 64 << 10;

// Returns the number of code points, which is close enough to columns: counts the bytes that do not
// continue a UTF-8 sequence.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// Applies printable() but keeps line endings and tabs. The CR of a CRLF is dropped, since
// printable() would replace it on every line of a mail.
std::string shown(std::string_view text) {
  std::string safe;
  for (;;) {
    const std::size_t end = text.find_first_of("\n\t");
    std::string_view piece = text.substr(0, end);
    if (end != std::string_view::npos && text[end] == '\n' && piece.ends_with('\r')) piece.remove_suffix(1);
    safe += printable(piece);
    if (end == std::string_view::npos) return safe;
    safe += text[end];
    text.remove_prefix(end + 1);
  }
}

}  // namespace

Output::Output(int fd) : fd_(fd), terminal_(::isatty(fd) != 0) {}

Output::~Output() {
  (void)flush();
}

void Output::write(std::string_view text) {
  waiting_ += text;
  if (waiting_.size() >= kGather || terminal_) (void)flush();
}

Result<void> Output::flush() {
  if (!waiting_.empty() && !failed_) {
    if (auto done = write_all(fd_, as_bytes(waiting_), "standard output"); !done) failed_ = done.error();
  }
  waiting_.clear();
  // The reader of the pipe has gone. Program ignores SIGPIPE, so that a broken pipe is an error
  // that can be told from others; here the process ends by the signal after all, as a shell
  // expects.
  if (failed_ && failed_->code() == Code::Closed) {
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
  }
  if (failed_) return failed_->with_exit_status(kExitInputOutput);
  return {};
}

void Output::line(std::string_view text) {
  write(printable(text) + "\n");
}

void Output::json(const Json& object) {
  write(object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

void Output::data(ByteView data) {
  if (terminal_) {
    write(shown(as_text(data)));
  } else {
    write(as_text(data));
  }
}

// The buffer is a std::string, which would leave copies of the secret in freed memory. It is
// therefore flushed first, and the secret is written directly.
void Output::secret(std::string_view before, const Secret& secret, std::string_view after) {
  waiting_ += before;
  (void)flush();
  if (!failed_) {
    if (auto done = write_all(fd_, secret.view(), "standard output"); !done) failed_ = done.error();
  }
  write(after);
}

Result<void> Output::sync() {
  if (auto done = flush(); !done) return done;
  struct stat facts {};
  const bool file = ::fstat(fd_, &facts) == 0 && S_ISREG(facts.st_mode);
  // EINVAL: the file system has no sync.
  const bool cannot = file && ::fdatasync(fd_) != 0;
  if (cannot && errno != EINVAL && errno != ENOSYS) failed_ = Error::from_errno("standard output");
  if (failed_) return failed_->with_exit_status(kExitInputOutput);
  return {};
}

Result<int> Output::close(int status) {
  (void)flush();
  // NFS and quota report a full disk only when a descriptor is closed. Closing a copy obtains that
  // error and leaves standard output open.
  if (const int copy = ::dup(fd_); !failed_ && copy >= 0 && ::close(copy) != 0) {
    failed_ = Error::from_errno("standard output");
  }
  if (failed_) return failed_->with_exit_status(kExitInputOutput);
  return status;
}

void Table::row(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (std::string& cell : cells) cell = printable(cell);
  rows_.push_back(std::move(cells));
}

void Table::print(Output& output) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t widest = width(columns_[i].heading);
    for (const auto& row : rows_) widest = std::max(widest, width(row[i]));
    widths.push_back(widest);
  }
  const auto print_row = [&](const auto& cell_of) {
    std::string text;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string& cell = cell_of(i);
      const std::string blanks(widths[i] - width(cell), ' ');
      if (i > 0) text += "  ";
      text += columns_[i].side == Right ? blanks + cell : cell + blanks;
    }
    // No spaces at the end of a line, for comparison and for copying.
    text.erase(text.find_last_not_of(' ') + 1);
    output.line(text);
  };
  print_row([&](std::size_t i) -> const std::string& { return columns_[i].heading; });
  for (const auto& row : rows_) print_row([&](std::size_t i) -> const std::string& { return row[i]; });
}

}  // namespace gw::cli

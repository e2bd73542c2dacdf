#include "cli/progress.h"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "base/file.h"

namespace gw::cli {
namespace {

// Time before the line appears, and between updates.
constexpr std::chrono::milliseconds kFirst{1000};
constexpr std::chrono::milliseconds kEach{200};

// A terminal without escape sequences (Emacs, for example) sets TERM to `dumb`.
bool capable_terminal() {
  const char* kind = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) != 0 && kind != nullptr && std::string_view(kind) != "dumb";
}

void put(std::string_view text) {
  (void)write_all(STDERR_FILENO, as_bytes(text), "standard error");
}

}  // namespace

Progress::Progress(std::string what, std::uint64_t total, bool quiet)
    : what_(std::move(what)),
      total_(total),
      wanted_(!quiet && capable_terminal()),
      next_(Clock::now() + kFirst) {}

Progress::~Progress() {
  // Carriage return, then erase to the end of the line.
  if (shown_) put("\r\x1b[K");
}

void Progress::at(std::uint64_t done) {
  if (!wanted_ || Clock::now() < next_) return;
  next_ = Clock::now() + kEach;
  shown_ = true;
  std::string line = "\r" + what_ + " " + std::to_string(done);
  if (total_ > 0)
    line += " of " + std::to_string(total_) + " (" + std::to_string(done * 100 / total_) + " %)";
  put(line + "\x1b[K");
}

}  // namespace gw::cli

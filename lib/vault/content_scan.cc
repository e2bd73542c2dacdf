#include "vault/content_scan.h"

#include <algorithm>
#include <cstring>

#include "base/line_ends.h"

namespace gw::vault {
namespace {

constexpr std::uint64_t kMaxLine = 998;  // RFC 5322, section 2.1.1

}  // namespace

// One vectorised pass finds out whether all line endings in these bytes are CRLF, which is nearly
// always so. Then the scan for long lines can jump; the general case has to look at every CR and
// LF.
void ContentScan::write(ByteView data) {
  if (data.empty()) return;
  const LineEnds found = look_at_line_ends(data, after_cr_);
  eight_bit_ = eight_bit_ || found.eight_bit;
  nul_ = nul_ || found.nul;
  if (found.paired) {
    paired_lines(as_text(data));
  } else {
    lines(as_text(data));
  }
}

void ContentScan::grow_line(std::size_t size) {
  line_ += size;
  if (line_ > kMaxLine) long_line_ = true;
}

// Requires that every line ending is a CRLF. Instead of visiting each line, it searches backwards
// from the farthest place at which a line of permitted length may end. A normal mail is thus
// scanned in steps of nearly 1000 bytes.
void ContentScan::paired_lines(std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    // What the current line may still have, plus its CRLF.
    const std::uint64_t reach = kMaxLine - std::min(line_, kMaxLine) + 2;
    const std::size_t near = std::min<std::uint64_t>(reach, static_cast<std::size_t>(end - at));
    const void* last = ::memrchr(at, '\n', near);
    // No LF within reach: the line is too long, or the bytes end before.
    if (last == nullptr) {
      last = std::memchr(at + near, '\n', static_cast<std::size_t>(end - at) - near);
      const char* const stop = last == nullptr ? end : static_cast<const char*>(last);
      grow_line(static_cast<std::size_t>(stop - at) - (stop != at && stop[-1] == '\r' ? 1 : 0));
      if (last == nullptr) break;
    }
    line_ = 0;
    at = static_cast<const char*>(last) + 1;
  }
  // A CR at the end of these bytes belongs to the line ending, which the next bytes complete.
  after_cr_ = text.back() == '\r';
  if (after_cr_) line_ = 0;
}

// Goes from line ending to line ending. The position of the next LF is remembered, because
// searching for it again at each of many CRs would take quadratic time.
void ContentScan::lines(std::string_view text) {
  std::size_t at = 0;
  std::size_t line_feed = text.find('\n');
  while (at < text.size()) {
    if (line_feed != std::string_view::npos && line_feed < at) line_feed = text.find('\n', at);
    if (after_cr_) {
      after_cr_ = false;
      if (text[at] == '\n') {
        ++at;
        continue;
      }
      bare_newline_ = true;
    }
    const std::size_t end = line_feed == std::string_view::npos ? text.size() : line_feed;
    const std::size_t carriage_return = text.substr(0, end).find('\r', at);
    if (carriage_return != std::string_view::npos) {
      grow_line(carriage_return - at);
      line_ = 0;
      after_cr_ = true;
      at = carriage_return + 1;
      continue;
    }
    grow_line(end - at);
    at = end;
    if (at == text.size()) break;
    bare_newline_ = true;  // an LF without its CR
    line_ = 0;
    ++at;
  }
}

void ContentScan::finish() {
  if (after_cr_) bare_newline_ = true;
  after_cr_ = false;
}

}  // namespace gw::vault

#include "transfer/mbox.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/text.h"

namespace gw::transfer {
namespace {

constexpr std::size_t kSeparatorLine = 1024;  // bytes of a line that are examined

template <std::size_t N>
bool one_of(std::string_view word, const std::array<std::string_view, N>& list) {
  return std::ranges::find(list, word) != list.end();
}

constexpr std::array<std::string_view, 7> kDays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// `10:00` or `10:00:00`.
bool is_time(std::string_view word) {
  return word.size() >= 4 && word.find(':') != std::string_view::npos && word[0] >= '0' && word[0] <= '9';
}

// RFC 5322, section 2.2, allows printable US-ASCII except the colon; bytes above 0x7f are accepted
// too.
bool in_name(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte != 0x7f && c != ':';
}

}  // namespace

bool dated_separator(std::string_view line) {
  if (!line.starts_with(kMboxFrom)) return false;
  std::vector<std::string_view> words = split(line.substr(kMboxFrom.size()), ' ');
  std::erase(words, std::string_view());
  // The date may be anywhere after the sender, because senders with spaces and trailing time zones
  // occur.
  for (std::size_t i = 0; i + 3 < words.size(); ++i) {
    if (one_of(words[i], kDays) && one_of(words[i + 1], kMonths) && parse_number(words[i + 2]) &&
        is_time(words[i + 3]))
      return true;
  }
  return false;
}

bool starts_field(std::string_view line) {
  const auto end = std::ranges::find_if_not(line, in_name);
  const auto size = static_cast<std::size_t>(end - line.begin());
  // Spaces before the colon are obsolete syntax (RFC 5322, section 4.5) and still occur.
  const std::size_t colon = line.find_first_not_of(" \t", size);
  return size > 0 && colon != std::string_view::npos && line[colon] == ':';
}

bool starts_mail(std::string_view line) {
  return starts_field(line) || line.starts_with(">From ");
}

// CR, LF and CRLF all end a line here: the count must not miss a separator because of an unusual
// line ending.
void SeparatorCount::write(ByteView data) {
  std::string_view text = as_text(data);
  while (!text.empty()) {
    if (std::exchange(after_cr_, false) && text.front() == '\n') {
      text.remove_prefix(1);
      continue;
    }
    const std::size_t end = std::min(text.size(), text.find_first_of("\r\n"));
    // Only the start of a line is kept; a separator is shorter.
    line_ += text.substr(0, std::min(end, kSeparatorLine - std::min(kSeparatorLine, line_.size())));
    if (end == text.size()) return;
    after_cr_ = text[end] == '\r';
    end_line();
    text.remove_prefix(end + 1);
  }
}

void SeparatorCount::finish() {
  end_line();
}

void SeparatorCount::end_line() {
  if (std::exchange(after_dated_, false) && starts_mail(line_)) ++followed_;
  // The first non-empty line may be the separator of the mail itself.
  if (begun_ && line_.starts_with(kMboxFrom)) {
    ++any_;
    after_dated_ = dated_separator(line_);
    dated_ += after_dated_ ? 1 : 0;
  }
  begun_ = begun_ || !line_.empty();
  line_.clear();
}

}  // namespace gw::transfer

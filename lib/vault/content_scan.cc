#include "vault/content_scan.h"

#include <cstring>

namespace gw::vault {
namespace {

constexpr std::uint64_t kLongest = 998;  // RFC 5322 section 2.1.1
constexpr std::uint64_t kHighBits = 0x8080808080808080;
constexpr std::uint64_t kOnes = 0x0101010101010101;

}  // namespace

void ContentScan::write(ByteView octets) {
  std::uint64_t high = 0;
  std::uint64_t zero = 0;
  const std::byte* at = octets.data();
  std::size_t left = octets.size();
  for (; left >= sizeof(std::uint64_t); at += sizeof(std::uint64_t), left -= sizeof(std::uint64_t)) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    high |= word;
    zero |= (word - kOnes) & ~word;  // its high bits: some octet is zero
  }
  for (; left > 0; ++at, --left) {
    high |= std::to_integer<std::uint64_t>(*at);
    if (*at == std::byte{0}) zero = kHighBits;
  }
  eight_bit_ = eight_bit_ || (high & kHighBits) != 0;
  nul_ = nul_ || (zero & kHighBits) != 0;
  lines(as_text(octets));
}

void ContentScan::grow_line(std::size_t octets) {
  line_ += octets;
  if (line_ > kLongest) long_line_ = true;
}

// Jumps from line end to line end. The next LF is remembered, so that many CR before a far LF cost no search
// each.
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

#include "smtp/reply.h"

#include <algorithm>

namespace gw::smtp {
namespace {

constexpr std::size_t kMaxLine = 510;          // RFC 5321 section 4.5.3.1.5, without the CRLF
constexpr std::size_t kMaxChallenge = 12'288;  // RFC 4954 section 4

}  // namespace

Reply::Reply(int reply_code, std::string_view enhanced_code, std::string_view text)
    : code(reply_code), enhanced(enhanced_code), lines{std::string(text)} {}

std::string Reply::wire() const {
  std::string result;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::string line = std::to_string(code) + (i + 1 < lines.size() ? '-' : ' ');
    // The enhanced code is repeated in each line (RFC 2034 section 4).
    if (!enhanced.empty()) line += enhanced + ' ';
    line += lines[i];
    // Line endings in a text would end the reply early and start another one, so they are replaced
    // as well.
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
    result += line.substr(0, code == 334 ? kMaxChallenge : kMaxLine) + "\r\n";
  }
  return result;
}

}  // namespace gw::smtp

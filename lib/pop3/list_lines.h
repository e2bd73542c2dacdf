// Splits the listings of a POP3 server (UIDL, CAPA) into lines, as a stream of pieces cut anywhere.
//
// Unlike command lines, a listing is only data: a line that is too long is skipped, and one that
// ends with LF alone is accepted. Neither affects other lines.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"

namespace gw::pop3 {

class ListLines {
 public:
  static constexpr std::size_t kMaxLength = 512;  // bytes (RFC 2449 section 4)

  // Calls `each` with every line that ends in `piece`, without its line ending. The view is valid
  // only during the call. An unfinished line is kept for the next piece.
  template <class Each>
  void write(ByteView piece, const Each& each) {
    std::string_view text = as_text(piece);
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      keep(text.substr(0, end));
      if (end == std::string_view::npos) return;
      text.remove_prefix(end + 1);
      if (line_.ends_with('\r')) line_.pop_back();
      if (!std::exchange(too_long_, false)) each(std::string_view(line_));
      line_.clear();
    }
  }

 private:
  void keep(std::string_view more) {
    too_long_ = too_long_ || line_.size() + more.size() > kMaxLength;
    if (!too_long_) line_ += more;
  }

  std::string line_;
  bool too_long_ = false;
};

struct UidlLine {
  std::uint64_t number = 0;  // of the message, from 1
  std::string_view uidl;     // a view of the line
};
// Parses one line of UIDL: a number and a unique id of printable ASCII without spaces. RFC 1939
// section 7 allows 70 bytes for the id; up to 255 are accepted, because some servers send more.
// Returns nullopt for other lines.
std::optional<UidlLine> parse_uidl_line(std::string_view line);

}  // namespace gw::pop3

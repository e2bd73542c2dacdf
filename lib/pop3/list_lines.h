// The lines of a listing (UIDL, CAPA), as a stream of pieces cut anywhere.
//
// A listing is data: a line longer than RFC 1939 allows, or ended by LF alone, spoils nothing but itself.
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
  static constexpr std::size_t kLongest = 512;  // RFC 2449 section 4; longer ones are left out

  // Calls `each` with every line that ends in `piece`, without its line end; a view for the call only.
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
    too_long_ = too_long_ || line_.size() + more.size() > kLongest;
    if (!too_long_) line_ += more;
  }

  std::string line_;
  bool too_long_ = false;
};

// One line of UIDL (RFC 1939 section 7): a number and 1 to 70 octets of 0x21 to 0x7e. Longer names, up to
// 255, are taken too: servers have them. None for every other line.
struct UidlLine {
  std::uint64_t number = 0;
  std::string_view uidl;
};
std::optional<UidlLine> parse_uidl_line(std::string_view line);

}  // namespace gw::pop3

// The number of replies that a session sent, by class, for the log and the server statistics.
#pragma once

#include <cstddef>
#include <string_view>

namespace gw::pop3 {

struct ReplyCounts {
  std::size_t completed = 0;  // +OK
  std::size_t deferred = 0;   // -ERR with [SYS/TEMP], [IN-USE] or [LOGIN-DELAY]: try again later
  std::size_t refused = 0;    // any other -ERR

  // Counts an -ERR reply; `text` is the text after `-ERR `.
  void add_error(std::string_view text) {
    const bool again =
        text.starts_with("[SYS/TEMP]") || text.starts_with("[IN-USE]") || text.starts_with("[LOGIN-DELAY]");
    ++(again ? deferred : refused);
  }
};

}  // namespace gw::pop3

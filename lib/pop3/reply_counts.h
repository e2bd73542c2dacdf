// How many replies of each class a session gave.
#pragma once

#include <cstddef>
#include <string_view>

namespace gw::pop3 {

struct ReplyCounts {
  std::size_t completed = 0;  // +OK
  std::size_t deferred = 0;   // -ERR that asks the client to try again: [SYS/TEMP], [IN-USE], [LOGIN-DELAY]
  std::size_t refused = 0;    // any other -ERR

  void add_error(std::string_view text) {
    const bool again =
        text.starts_with("[SYS/TEMP]") || text.starts_with("[IN-USE]") || text.starts_with("[LOGIN-DELAY]");
    ++(again ? deferred : refused);
  }
};

}  // namespace gw::pop3

// The lines that POP3 puts in front of a message, by the mailbox's setting (vault.md section 3).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace gw::mail {

struct TraceFacts {
  std::string_view reverse_path;
  std::string_view helo;
  std::string_view peer;
  std::string_view host;      // ours
  std::string_view protocol;  // `ESMTPS`
  std::string_view transaction;
  std::string_view login;  // of a POP3 copy, else empty
  Micros received = 0;
};

enum class TraceMode : unsigned char { Auto, On, Off };

// Lines without line ends. `foreign` are the recipients that are no address of ours: an `mbx-` address or an
// alias is the mailbox's only secret and is never written.
std::vector<std::string> trace_lines(TraceMode mode, const TraceFacts& facts,
                                     std::span<const std::string> foreign);

}  // namespace gw::mail

// The check of --since and --until together.
#pragma once

#include <optional>

#include "base/clock.h"
#include "base/result.h"

namespace gw::cli {

// Fails with Usage if --since is later than --until: dates that were exchanged would otherwise look
// like a mailbox without mail.
inline Result<void> check_span(const std::optional<Micros>& since, const std::optional<Micros>& until) {
  if (!since || !until || *since <= *until) return {};
  return Error(Code::Usage, "--since is later than --until");
}

}  // namespace gw::cli

// Starting a keeper in the background: a process of its own session that holds nothing of its starter's.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "keeper/start.h"

namespace gw::keeper {

inline constexpr std::chrono::seconds kReadyWait{10};

// Runs `gw-store --vault DIR serve --run DIR --idle-exit N --ready-fd 3` and waits until it listens. The
// error is the keeper's own where it could say why it did not start.
Result<void> spawn_keeper(const Place& place);

// How it went as a few octets, text and hint on a line each; and back.
std::string to_line(const Result<void>& result);
Result<void> from_line(std::string_view line);

// The keeper's answer on its --ready-fd.
void tell_ready(const Fd& ready);
void tell_failed(const Fd& ready, const Error& error);

}  // namespace gw::keeper

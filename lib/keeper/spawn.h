// Starting a keeper in the background: a process of its own session that holds nothing of its starter's.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "keeper/reached.h"
#include "keeper/start.h"

namespace gw::keeper {

inline constexpr std::chrono::seconds kReadyWait{10};

// Runs `gw-store --vault DIR serve --run DIR --idle-exit N --ready-fd 3` and waits until it listens. If the
// keeper could say why it did not start, the text and the hint are its own.
Reached<void> spawn_keeper(const Place& place);

// How a start went, in a few bytes: `+`, or `-`, the exit status as one character, and the text and the hint
// on a line each; and back.
std::string to_line(const Reached<void>& result);
Reached<void> from_line(std::string_view line);

// The keeper's answer on its --ready-fd.
void tell_ready(const Fd& ready);
void tell_failed(const Fd& ready, const Error& error);

}  // namespace gw::keeper

// Starting a keeper in the background, as a process in its own session that inherits no descriptor,
// signal mask or service manager variable of its parent. start.h decides whether a process may do
// that.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "keeper/reached.h"
#include "keeper/start.h"

namespace gw::keeper {

// spawn_keeper() waits this long for the keeper to listen.
inline constexpr std::chrono::seconds kReadyWait{10};

// Runs `gw-store --vault DIR serve --run DIR --idle-exit N --ready-fd 3` and waits until the keeper
// listens. Fails if it does not within kReadyWait. If the keeper reported why it did not start, the
// text, the hint and the exit status are its own.
Reached<void> spawn_keeper(const Place& place);

// Convert the outcome of a start to and from the form that travels over a pipe: `+` for success; or
// `-`, the exit status as one byte, the text, a line feed, and the hint. At most 4000 bytes; the
// rest is cut off.
std::string to_line(const Reached<void>& result);
Reached<void> from_line(std::string_view line);

// Called by the keeper: report on its --ready-fd that it listens, or why it ends. Do nothing if
// `ready` is not a descriptor; errors are ignored, since a starter that has gone needs no report.
void tell_ready(const Fd& ready);
void tell_failed(const Fd& ready, const Error& error);

}  // namespace gw::keeper

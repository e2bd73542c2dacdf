// Serving: a thread for each connection, limits, and an orderly end.
//
//   Stop stop; stop.install();            // SIGTERM, SIGINT; before READY=1
//   serve(listeners, limits, [&](Stream stream, const Listener& listener) { ... });
#pragma once

#include <chrono>
#include <functional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/limits.h"
#include "net/listener.h"
#include "net/stream.h"

namespace gw::net {

// The process's wish to end, seen by every poll (an eventfd). There is one.
namespace stop {
void install();  // handlers of SIGTERM and SIGINT; ignores SIGPIPE
void request();  // what the handlers do
bool requested();
int descriptor();  // readable once requested
}  // namespace stop

// SIGHUP: calls `reload` on a thread of its own, one at a time.
void on_reload(std::function<void()> reload);

struct ServeLimits {
  std::size_t connections = 1000;
  std::size_t per_source = 100;                  // an IPv4 address or an IPv6 /64
  std::chrono::seconds grace{20};                // from the stop until threads are left behind
  std::function<bool(std::string_view)> exempt;  // sources that per_source does not count
};

using Handler = std::function<void(Stream, const Listener&)>;
// What an over-limit connection is told before it is closed, as `421 4.7.0 …\r\n`; empty: nothing.
using Refusal = std::function<std::string(const Listener&)>;

// Accepts until a stop is requested; then closes the listeners, waits for the connections at most `grace`,
// and returns. EMFILE pauses accepting for 100 ms. Announces `listening PROTOCOL ADDRESS` on stdout where
// asked.
Result<void> serve(std::vector<Listener> listeners, const ServeLimits& limits, const Handler& handler,
                   const Refusal& refusal, bool announce);

}  // namespace gw::net

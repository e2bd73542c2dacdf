// Serving: a thread for each connection, limits, and an orderly end.
//
//   stop::install();            // SIGTERM, SIGINT
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
int descriptor();                              // readable once requested
std::chrono::steady_clock::time_point time();  // when it was requested
void wait(std::chrono::milliseconds time);     // so long, or until it is requested
void withdraw();                               // as if nothing had been asked; for tests
}  // namespace stop

// SIGHUP: calls `reload` on a thread of its own, one at a time; the service manager is told when it begins
// and ends.
void on_reload(std::function<void()> reload);

// Whether four fifths of the connections that serve() takes are taken: then slow ones are not waited for.
bool crowded();

struct ServeLimits {
  std::size_t connections = 1000;
  // An IPv4 address or an IPv6 /64. While connections are scarce only a tenth of it, if it is below
  // `connections`: a few sources cannot take what is left from all others.
  std::size_t per_source = 250;
  // From the stop until connections are cut: more than their Streams are given by finish().
  std::chrono::milliseconds grace{22'000};
  std::function<bool(std::string_view)> exempt;  // sources that per_source does not count
  // Peers whose connections begin with a PROXY header; what counts as the source is the client in it.
  std::function<bool(std::string_view)> balancer;
  std::chrono::milliseconds proxy_timeout{5'000};  // for the header
};

using Handler = std::function<void(Stream, const Listener&)>;
// What an over-limit connection is told before it is closed, as `421 4.7.0 …\r\n`; empty: nothing.
using Refusal = std::function<std::string(const Listener&)>;

// The Stream of a connection that was handed over (Inherited::connected, inetd_connection).
Stream take_connection(Listener& connection);

// Raises RLIMIT_NOFILE, says `listening PROTOCOL ADDRESS` on stdout where asked, tells the service manager
// READY=1, and accepts until a stop is requested; then closes the listeners, waits for the connections, and
// returns. Those that have not ended after `grace` are ended with the process (_exit 0). A handler runs on
// its own thread with a small stack (256 KiB); what it throws ends its connection only. Without descriptors
// or memory accepting pauses for 100 ms. Unix sockets and unknown peers are not counted by source.
Result<void> serve(std::vector<Listener> listeners, const ServeLimits& limits, const Handler& handler,
                   const Refusal& refusal, bool announce);

}  // namespace gw::net

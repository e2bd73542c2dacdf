// The accept loop of a server: one thread per connection, limits, and an orderly shutdown.
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

// The stop request of the process. There is one per process. It is an eventfd, so that every
// poll(2) can wait for it beside its own descriptor. All functions are thread-safe.
namespace stop {
// Sets handlers of SIGTERM and SIGINT that call request(), and ignores SIGPIPE. Call before threads
// start.
void install();
// Requests the stop. Async-signal-safe after install(). Further requests change nothing.
void request();
bool requested();
// Returns the eventfd; it is readable once a stop is requested, and must not be read.
int descriptor();
// Returns when the stop was requested. Meaningless before.
std::chrono::steady_clock::time_point time();
// Waits for `time`, or until a stop is requested.
void wait(std::chrono::milliseconds time);
// Takes the request back. For tests.
void withdraw();
}  // namespace stop

// Calls `reload` on a separate thread for every SIGHUP, never twice at the same time, and tells the
// service manager when it begins and ends. A later call replaces the function; with null, SIGHUP is
// ignored. The call waits until a running reload has ended, so afterwards nothing uses the earlier
// function. The thread is never joined.
void on_reload(std::function<void()> reload);

// Returns whether at least four fifths of the connections that serve() accepts are in use. Sessions
// then shorten the time that they give a slow client.
bool crowded();

// The limits of serve().
struct ServeLimits {
  std::size_t connections = 1000;
  // Maximum number of connections from one source: an IPv4 address or an IPv6 /64. While crowded(),
  // a source gets only a tenth of it (if this value is below `connections`), so that a few sources
  // cannot take what is left from all others.
  std::size_t per_source = 250;
  // How long connections may go on after the stop request before the process ends anyway. Must be
  // more than their handlers pass to Stream::finish().
  std::chrono::milliseconds grace{22'000};
  // Returns whether connections from this address are not limited by per_source. Null: no
  // exemption.
  std::function<bool(std::string_view)> exempt;
  // Returns whether connections from this address begin with a PROXY header. The source is then the
  // client in the header. Null: no balancer.
  std::function<bool(std::string_view)> balancer;
  std::chrono::milliseconds proxy_timeout{5'000};  // for reading the PROXY header
};

// Serves one connection until its end. The Listener lives until serve() returns.
using Handler = std::function<void(Stream, const Listener&)>;
// Returns the reply to a connection over the limits before it is closed, such as `421 4.7.0 …\r\n`.
// Empty: the connection is closed without a reply. Not called for listeners with implicit TLS.
using Refusal = std::function<std::string(const Listener&)>;

// Makes a Stream of a connection that another process accepted (Inherited::connected,
// inetd_connection), and leaves `connection` without descriptors.
Stream take_connection(Listener& connection);

// Accepts connections until a stop is requested, then closes the listeners, waits for the handlers
// to return, and returns. Raises RLIMIT_NOFILE first, prints a line `listening PROTOCOL ADDRESS` to
// standard output for each listener if `announce`, and sends READY=1 to the service manager.
//
// Each handler runs on a thread of its own with a small stack (256 KiB); an exception derived from
// std::exception ends only its connection. If handlers still run `grace` after the stop request,
// the process ends with _exit(0). If descriptors or memory run out, accepting pauses for 100 ms.
// Unix sockets and unknown peers are not counted by source.
//
// Fails if a listening socket cannot be set up or poll(2) fails.
Result<void> serve(std::vector<Listener> listeners, const ServeLimits& limits, const Handler& handler,
                   const Refusal& refusal, bool announce);

}  // namespace gw::net

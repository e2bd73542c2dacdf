// Serves one HTTP/1.1 connection: reads requests within limits and deadlines and writes the
// responses, until either side closes the connection.
//
//   HttpService service;
//   service.handler = [&](Request& request) { return console.answer(request); };
//   serve_http(std::move(stream), listener.implicit_tls, service);
//
// Listeners, TLS contexts, threads and the orderly end of the process belong to net/serve.h, as in
// every server of gw. Heads are parsed by http_head.h, responses are written by response_writer.h.
//
// A request that is malformed, too large or too slow is refused with a 4xx or 5xx status, as JSON
// if its target is under /api/ and as plain text otherwise, and the connection is closed. The close
// lingers, so that a client that is still sending can read the response
// (net::Stream::close_lingering()).
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>

#include "net/stream.h"
#include "net/tls.h"
#include "web/http/http.h"

namespace gw::web {

// How connections are served. One HttpService is shared by all connections, is not modified while
// any of them is served, and must outlive them.
struct HttpService {
  // Answers one request. It is called on the thread of the connection, so on many threads
  // concurrently. An exception that it throws is logged and becomes a 500.
  std::function<Response(Request&)> handler;
  // Returns the certificate and TLS policy in force. It is called for each connection with implicit
  // TLS, so that a renewed certificate takes effect without a restart; null if there is no such
  // listener.
  std::function<Result<std::shared_ptr<const net::ServerTls>>()> tls;  // of listeners with TLS
  // Returns the largest body in bytes that a request may have, judged by its head alone (path and
  // form are not yet set); a longer one is refused with 413 before it is read. It is called only if
  // the body is longer than `small_body`.
  std::function<std::size_t(const Request&)> most_body = [](const Request&) { return std::size_t{1} << 20; };
  // Bodies up to this size in bytes are accepted from any client and read into ordinary memory,
  // until they are complete.
  std::size_t small_body = 8 << 10;
  // The number of bytes that all bodies longer than `small_body` may have together at any time. A
  // request that exceeds it is refused with 503.
  std::size_t most_bodies = 32 << 20;
  // How many of these bytes are taken. Copies of the service share the counter.
  std::shared_ptr<std::atomic<std::size_t>> bodies = std::make_shared<std::atomic<std::size_t>>(0);
  // How long a connection waits for the first byte of a request before it is closed without a
  // response.
  std::chrono::milliseconds idle{30'000};
  // How long a whole head may take, from its first byte, however steadily bytes arrive (408). It is
  // the limit of the TLS handshake too.
  std::chrono::milliseconds head_timeout{20'000};
  // How long a whole body may take (408).
  std::chrono::milliseconds body_timeout{30'000};
  // How long each write of a piece of a response may take; then the connection is closed.
  std::chrono::milliseconds write_timeout{60'000};
  // The number of requests after which the connection is closed, with `Connection: close`.
  std::size_t most_requests = 1000;
};

// Serves the connection to its end and closes it, on the calling thread. With `implicit_tls` it
// begins with a TLS handshake (ALPN `http/1.1`). Errors are logged, not returned. When the process
// is asked to stop, a connection that waits for a request is closed immediately, and a response
// that is being written may take 20 more seconds.
void serve_http(net::Stream stream, bool implicit_tls, const HttpService& service);

}  // namespace gw::web

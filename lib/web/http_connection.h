// One HTTP connection: requests read with bounds and deadlines, answers written, until one side has enough.
//
//   serve_http(std::move(stream), listener.implicit_tls, service);
//
// Listening, TLS, threads and the orderly end are net/serve.h's, as for every server of gw. What reads the
// request line and writes answers is cpp-httplib, behind http_head.h.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>

#include "net/stream.h"
#include "net/tls.h"
#include "web/http.h"

namespace gw::web {

struct HttpService {
  // Answers a request; on many threads at once. What it throws is 500.
  std::function<Response(Request&)> handler;
  std::function<Result<std::shared_ptr<const net::ServerTls>>()> tls;  // of listeners with TLS
  // How many bytes of a body a request may bring, by its head: more is 413. Asked only if it brings more
  // than `small_body`.
  std::function<std::size_t(const Request&)> most_body = [](const Request&) { return std::size_t{1} << 20; };
  std::size_t small_body = 8 << 10;
  std::size_t most_bodies = 32 << 20;  // of all larger bodies together, at one time: what is above is 503
  std::shared_ptr<std::atomic<std::size_t>> bodies = std::make_shared<std::atomic<std::size_t>>(0);
  std::chrono::milliseconds idle{30'000};           // between requests, until the connection is closed
  std::chrono::milliseconds head_timeout{20'000};   // for a whole head, from its first octet
  std::chrono::milliseconds body_timeout{30'000};   // for a whole body
  std::chrono::milliseconds write_timeout{60'000};  // for each piece of an answer
  std::size_t most_requests = 1000;                 // on one connection
};

void serve_http(net::Stream stream, bool implicit_tls, const HttpService& service);

}  // namespace gw::web

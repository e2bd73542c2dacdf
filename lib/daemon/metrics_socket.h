// A small HTTP server for the keeper's metrics, on a socket of its own.
//
// A monitoring system that may connect to this socket reads the numbers and has no other access to
// the keeper. GET /metrics over HTTP/1.x returns OpenMetrics text (daemon/openmetrics.h). Every other
// request gets an error response. The connection is closed after the response; there is no
// keep-alive.
//
// One thread serves one connection at a time, so that clients cannot take more than this thread
// from the keeper. A request head may have 8 KiB and must be complete within two seconds. Numbers
// that are less than one second old are returned again without asking for new ones.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"

namespace gw::daemon {

class MetricsSocket {
 public:
  // Returns the response body: OpenMetrics text that ends with `# EOF`. Called on the thread of
  // this object; if it fails, the client gets status 503.
  using Numbers = std::function<Result<std::string>()>;

  // Starts the thread, which serves `listener` (a listening stream socket) until destruction or
  // until the process is asked to stop. `path` is the file of the Unix socket, removed at
  // destruction; empty if the service manager owns the socket. Whatever `numbers` refers to must
  // outlive this object.
  MetricsSocket(Fd listener, std::string path, Numbers numbers);
  // Waits until the current connection is served, which takes a few seconds at most.
  ~MetricsSocket();
  MetricsSocket(const MetricsSocket&) = delete;
  MetricsSocket& operator=(const MetricsSocket&) = delete;

 private:
  void run();
  void answer(Fd connection);
  Result<std::string> fresh();

  Fd listener_;
  std::string path_;
  Numbers numbers_;
  Fd wake_;                     // an eventfd that becomes readable when the thread must end
  std::string last_;            // the numbers that were returned last
  BootClock::time_point made_;  // when they were made
  std::thread thread_;          // last member: it uses all others
};

}  // namespace gw::daemon

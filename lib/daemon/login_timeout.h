// Limits how long a connection may stay without a login, so that idle clients cannot occupy all
// connections.
//
//   LoginTimeout patience(limits);
//   auto got = patience.read(stream, buffer, idle_timeout);   // instead of stream.read()
//
// The limit counts the total time that the server spends waiting for the client's bytes. Time that
// the password check or an upstream server takes does not count. While connections are scarce
// (net::crowded) a shorter limit applies, also to connections that were accepted before.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <span>

#include "base/result.h"
#include "net/serve.h"
#include "net/stream.h"

namespace gw::daemon {

struct LoginLimits {
  // The total time that a client may take until it is logged in, and the same while connections are
  // scarce.
  std::chrono::milliseconds time{60'000};
  std::chrono::milliseconds scarce_time{10'000};
  std::function<bool()> scarce = net::crowded;  // must not be null; called from any thread
};

// Belongs to one connection; not thread safe.
class LoginTimeout {
 public:
  // `limits` must outlive this object.
  explicit LoginTimeout(const LoginLimits& limits) : limits_(limits) {}

  // Reads at least one byte, like Stream::read(), and returns how many; 0 means that the client has
  // closed its side. Fails with Timeout if the client sends nothing for `idle` or has used up its
  // time for the login. Other errors are those of Stream::read(). Changes the timeout of `stream`;
  // the caller sets it again.
  Result<std::size_t> read(net::Stream& stream, std::span<std::byte> to, std::chrono::milliseconds idle) {
    using Clock = std::chrono::steady_clock;
    using std::chrono::milliseconds;
    const Clock::time_point begun = Clock::now();
    const milliseconds spent = spent_;
    for (;;) {
      const milliseconds most = limits_.scarce() ? std::min(limits_.time, limits_.scarce_time) : limits_.time;
      const milliseconds left = std::min(most - spent_, idle - (spent_ - spent));
      if (left <= milliseconds(0))
        return Error(Code::Timeout, most <= spent_ ? "no login in time" : "timed out");
      // Wait in short steps: connections may become scarce, or plentiful again, while this client
      // is silent.
      stream.set_timeout(std::min(left, kLook));
      Result<std::size_t> got = stream.read(to);
      spent_ = spent + std::chrono::ceil<milliseconds>(Clock::now() - begun);
      if (got || got.error().code() != Code::Timeout) return got;
    }
  }

 private:
  static constexpr std::chrono::milliseconds kLook{2'000};  // between calls of `scarce`

  const LoginLimits& limits_;
  std::chrono::milliseconds spent_{0};  // in all calls of read()
};

}  // namespace gw::daemon

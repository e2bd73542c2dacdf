// How long a connection may stay without a login, so that idle clients cannot take all connections.
//
// What counts is the time that the client lets us wait, in all; time that a password's check or another
// server takes is not the client's. While connections are scarce (net::crowded) it is less, also for those
// that were there before.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <span>

#include "base/result.h"
#include "net/serve.h"
#include "net/stream.h"

namespace gw::gate {

struct LoginLimits {
  std::chrono::milliseconds time{60'000};
  std::chrono::milliseconds scarce_time{10'000};
  std::function<bool()> scarce = net::crowded;
};

class LoginPatience {
 public:
  // `limits` outlives this.
  explicit LoginPatience(const LoginLimits& limits) : limits_(limits) {}

  // Reads what has arrived, as Stream::read() does; waits at most `idle`. Fails with Timeout when that is
  // over, or the time for the login.
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
      stream.set_timeout(std::min(left, kLook));
      Result<std::size_t> got = stream.read(to);
      spent_ = spent + std::chrono::ceil<milliseconds>(Clock::now() - begun);
      if (got || got.error().code() != Code::Timeout) return got;
    }
  }

 private:
  static constexpr std::chrono::milliseconds kLook{2'000};  // between two looks at whether they are scarce

  const LoginLimits& limits_;
  std::chrono::milliseconds spent_{0};
};

}  // namespace gw::gate

// Limits the request rate of each caller by a token bucket: a burst of requests, and then a number
// per second.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/clock.h"

namespace gw::web {

// The size of the bucket and its refill rate.
struct PacePolicy {
  double burst = 100;       // requests without a wait
  double each_second = 20;  // requests per second after the burst
  // How many callers are remembered. Beyond it, callers whose bucket is full again are forgotten,
  // and all callers if there are none.
  std::size_t callers = 10'000;
  std::function<BootClock::time_point()> clock = BootClock::now;
};

// Thread-safe.
class RateLimiter {
 public:
  explicit RateLimiter(PacePolicy policy = {}) : policy_(std::move(policy)) {}

  // Removes one request from the caller's bucket and returns zero. If the bucket is empty, returns
  // how long the caller has to wait and removes nothing.
  std::chrono::milliseconds take(const std::string& caller);

 private:
  // The bucket of one caller: requests left when it was last used.
  struct Entry {
    double left = 0;
    BootClock::time_point seen;
  };
  PacePolicy policy_;
  std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace gw::web

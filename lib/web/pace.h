// How many requests one caller may make: so many at once, and so many each second after them.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/clock.h"

namespace gw::web {

struct PacePolicy {
  double burst = 100;
  double each_second = 20;
  std::size_t callers = 10'000;  // remembered; then those that are idle for long go
  std::function<BootClock::time_point()> clock = BootClock::now;
};

// Safe from several threads.
class Pace {
 public:
  explicit Pace(PacePolicy policy = {}) : policy_(std::move(policy)) {}

  // Zero: go on. Else how long to wait; then nothing was counted.
  std::chrono::milliseconds take(const std::string& caller);

 private:
  struct Entry {
    double left = 0;
    BootClock::time_point seen;
  };
  PacePolicy policy_;
  std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace gw::web

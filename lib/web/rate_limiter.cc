#include "web/rate_limiter.h"

#include <algorithm>

namespace gw::web {

std::chrono::milliseconds RateLimiter::take(const std::string& caller) {
  const std::lock_guard lock(mutex_);
  const auto now = policy_.clock();
  if (entries_.size() >= policy_.callers && !entries_.contains(caller)) {
    // After this time without a request a bucket is full again, so that forgetting it changes
    // nothing.
    const auto full = std::chrono::duration<double>(policy_.burst / policy_.each_second);
    std::erase_if(entries_, [&](const auto& each) { return now - each.second.seen >= full; });
    // All callers are active: forgetting them gives each a new burst, which is better than
    // unbounded memory.
    if (entries_.size() >= policy_.callers) entries_.clear();
  }
  auto [at, fresh] = entries_.try_emplace(caller, Entry{policy_.burst, now});
  Entry& entry = at->second;
  const double passed = std::chrono::duration<double>(now - entry.seen).count();
  // Refills for the time that has passed; no timer is needed.
  entry.left = std::min(policy_.burst, entry.left + std::max(passed, 0.0) * policy_.each_second);
  entry.seen = now;
  if (entry.left >= 1) {
    entry.left -= 1;
    return {};
  }
  const double wait = (1 - entry.left) / policy_.each_second;
  // Rounded up: a caller that waits exactly that long finds a request in its bucket.
  return std::chrono::milliseconds(static_cast<std::int64_t>(wait * 1000) + 1);
}

}  // namespace gw::web

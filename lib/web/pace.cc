#include "web/pace.h"

#include <algorithm>

namespace gw::web {

std::chrono::milliseconds Pace::take(const std::string& caller) {
  const std::lock_guard lock(mutex_);
  const auto now = policy_.clock();
  if (entries_.size() >= policy_.callers && !entries_.contains(caller)) {
    // Whoever has all of his again is as good as unknown.
    const auto full = std::chrono::duration<double>(policy_.burst / policy_.each_second);
    std::erase_if(entries_, [&](const auto& each) { return now - each.second.seen >= full; });
    if (entries_.size() >= policy_.callers) entries_.clear();
  }
  auto [at, fresh] = entries_.try_emplace(caller, Entry{policy_.burst, now});
  Entry& entry = at->second;
  const double passed = std::chrono::duration<double>(now - entry.seen).count();
  entry.left = std::min(policy_.burst, entry.left + std::max(passed, 0.0) * policy_.each_second);
  entry.seen = now;
  if (entry.left >= 1) {
    entry.left -= 1;
    return {};
  }
  const double wait = (1 - entry.left) / policy_.each_second;
  return std::chrono::milliseconds(static_cast<std::int64_t>(wait * 1000) + 1);
}

}  // namespace gw::web

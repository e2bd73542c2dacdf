#include "net/login_throttle.h"

#include <algorithm>
#include <vector>

namespace gw::net {

using std::chrono::milliseconds;

std::chrono::milliseconds LoginThrottle::wait(const std::string& source) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(source);
  if (found == entries_.end()) return milliseconds(0);
  // An expired entry is erased here, where it is found anyway, so that an idle process forgets.
  if (policy_.clock() - found->second.last > policy_.memory) {
    entries_.erase(found);
    return milliseconds(0);
  }
  const std::size_t failures = found->second.failures;
  if (failures < policy_.free) return milliseconds(0);
  // The cap keeps the shift within the width of the number; longest_wait is reached long before.
  const std::size_t doublings = std::min<std::size_t>(failures - policy_.free, 16);
  return std::min(policy_.longest_wait, milliseconds(500U << doublings));
}

milliseconds LoginThrottle::left(const std::string& source) {
  const milliseconds whole = wait(source);
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(source);
  if (whole.count() == 0 || found == entries_.end()) return milliseconds(0);
  // The entry may have changed since wait() released the lock. The result is then at worst a little
  // off, which a caller that refuses an attempt can tolerate.
  const auto passed = std::chrono::duration_cast<milliseconds>(policy_.clock() - found->second.last);
  return std::max(whole - passed, milliseconds(0));
}

void LoginThrottle::failed(const std::string& source) {
  const std::lock_guard lock(mutex_);
  const BootClock::time_point now = policy_.clock();
  if (entries_.size() >= policy_.sources && entries_.find(source) == entries_.end()) make_room(now);
  Entry& entry = entries_[source];
  // A new entry has `last` at the clock's epoch, so it also starts at 0 here.
  if (now - entry.last > policy_.memory) entry.failures = 0;
  ++entry.failures;
  entry.last = now;
}

void LoginThrottle::take_back(const std::string& source) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(source);
  if (found != entries_.end() && --found->second.failures == 0) entries_.erase(found);
}

void LoginThrottle::succeeded(const std::string& source) {
  const std::lock_guard lock(mutex_);
  entries_.erase(source);
}

std::size_t LoginThrottle::sources() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

// Erases expired entries, and if that frees less than a tenth of the table, the older tenth as
// well. An attacker with many sources can force this path, so it must be rare: a tenth is freed at
// a time, which makes the cost of each failure constant on average.
void LoginThrottle::make_room(BootClock::time_point now) {
  std::erase_if(entries_, [&](const auto& item) { return now - item.second.last > policy_.memory; });
  if (entries_.size() < policy_.sources - policy_.sources / 10) return;
  std::vector<BootClock::time_point> times;
  times.reserve(entries_.size());
  for (const auto& item : entries_) times.push_back(item.second.last);
  const auto tenth = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 10);
  // Sorting is not needed: only the age of the youngest entry to be erased is.
  std::nth_element(times.begin(), tenth, times.end());
  const BootClock::time_point oldest = *tenth;
  std::erase_if(entries_, [&](const auto& item) { return item.second.last <= oldest; });
}

}  // namespace gw::net

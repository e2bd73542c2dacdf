#include "store/server_stats.h"

namespace gw::store {

void ServerStatsTable::add(const ServerStats& stats) {
  if (stats.of.empty() || stats.of.size() > kName) return;
  const std::lock_guard lock(mutex_);
  // Names come from clients of the socket; without a limit they could fill the memory.
  if (sums_.size() >= kNames && !sums_.contains(stats.of)) return;
  ServerStats& sum = sums_[stats.of];
  sum.of = stats.of;
  for (const ServerCount& count : kServerCounts) sum.*count.value += stats.*count.value;
  // Sessions report out of order; the newest trouble stays.
  if (stats.trouble.empty() || stats.trouble_time < sum.trouble_time) return;
  sum.trouble = stats.trouble.substr(0, kTrouble);
  sum.trouble_time = stats.trouble_time;
}

std::vector<ServerStats> ServerStatsTable::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<ServerStats> all;
  all.reserve(sums_.size());
  for (const auto& [name, sum] : sums_) all.push_back(sum);
  return all;
}

std::vector<ServerStats> ServerStatsTable::take() {
  std::map<std::string, ServerStats> taken;
  {
    const std::lock_guard lock(mutex_);
    // Swapped under the lock, so that no count is lost or counted twice.
    taken.swap(sums_);
  }
  std::vector<ServerStats> all;
  all.reserve(taken.size());
  for (auto& [name, sum] : taken) all.push_back(std::move(sum));
  return all;
}

}  // namespace gw::store

#include "store/tally.h"

namespace gw::store {

void Tallies::add(const Tally& tally) {
  if (tally.of.empty() || tally.of.size() > kName) return;
  const std::lock_guard lock(mutex_);
  // Names come from clients of the socket; without a limit they could fill the memory.
  if (sums_.size() >= kNames && !sums_.contains(tally.of)) return;
  Tally& sum = sums_[tally.of];
  sum.of = tally.of;
  for (const TallyCount& count : kTallyCounts) sum.*count.value += tally.*count.value;
  // Sessions report out of order; the newest trouble stays.
  if (tally.trouble.empty() || tally.trouble_time < sum.trouble_time) return;
  sum.trouble = tally.trouble.substr(0, kTrouble);
  sum.trouble_time = tally.trouble_time;
}

std::vector<Tally> Tallies::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<Tally> all;
  all.reserve(sums_.size());
  for (const auto& [name, sum] : sums_) all.push_back(sum);
  return all;
}

std::vector<Tally> Tallies::take() {
  std::map<std::string, Tally> taken;
  {
    const std::lock_guard lock(mutex_);
    // Swapped under the lock, so that no count is lost or counted twice.
    taken.swap(sums_);
  }
  std::vector<Tally> all;
  all.reserve(taken.size());
  for (auto& [name, sum] : taken) all.push_back(std::move(sum));
  return all;
}

}  // namespace gw::store

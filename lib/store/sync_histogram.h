// Durations of the synced writes since the keeper started, counted in fixed buckets: the data of
// the histogram in the metrics.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace gw::store {

// Not thread-safe; LocalStore guards it with the commit lock.
struct SyncHistogram {
  // Upper bounds of the buckets, in microseconds.
  static constexpr std::array<std::uint64_t, 12> kBounds{100,    250,    500,    1'000,   2'500,   5'000,
                                                         10'000, 25'000, 50'000, 100'000, 250'000, 1'000'000};

  // counts[i] holds the writes that took at most kBounds[i] and longer than the bound before; the
  // last one holds those longer than all bounds. Not cumulative.
  std::array<std::uint64_t, kBounds.size() + 1> counts{};
  std::uint64_t micros = 0;  // total duration of all of them

  // Counts one write that took `took` microseconds.
  void add(std::uint64_t took) {
    const auto bound = std::ranges::lower_bound(kBounds, took);
    ++counts[static_cast<std::size_t>(bound - kBounds.begin())];
    micros += took;
  }
};

}  // namespace gw::store

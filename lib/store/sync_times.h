// How long the synced writes took since the keeper started, counted by fixed bounds: what a histogram is made
// of.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace gw::store {

struct SyncTimes {
  // Microseconds.
  static constexpr std::array<std::uint64_t, 12> kBounds{100,    250,    500,    1'000,   2'500,   5'000,
                                                         10'000, 25'000, 50'000, 100'000, 250'000, 1'000'000};

  // Those that took at most a bound, and longer than the one before; the last: longer than all.
  std::array<std::uint64_t, kBounds.size() + 1> counts{};
  std::uint64_t micros = 0;  // all of them together

  void add(std::uint64_t took) {
    const auto bound = std::ranges::lower_bound(kBounds, took);
    ++counts[static_cast<std::size_t>(bound - kBounds.begin())];
    micros += took;
  }
};

}  // namespace gw::store

// A Store in memory: the plain model that the others are compared with, and the one for tests above it.
#pragma once

#include <memory>

#include "store/store.h"

namespace gw::store {

struct MemoryOptions {
  VaultId vault;
  Bytes recovery_recipient;  // for the vault's first leaf; empty: none
  Signer signer;             // empty: checkpoint() is Config
  std::uint64_t permit_octets = 512 << 20;
  // For tests of grace and lease: the wall clock, and the one that waits and leases count by.
  std::function<Micros()> clock = now;
  std::function<BootClock::time_point()> boot_clock = BootClock::now;
  std::chrono::seconds most_unseen = std::chrono::hours(1);  // see store/kept_time.h
};

std::unique_ptr<Store> make_memory_store(MemoryOptions options);

}  // namespace gw::store

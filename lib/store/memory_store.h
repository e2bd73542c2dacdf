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
  // The wall clock, for tests of grace and lease.
  std::function<Micros()> clock = now;
};

std::unique_ptr<Store> make_memory_store(MemoryOptions options);

}  // namespace gw::store

// A Store in memory. It is the model that tests compare LocalStore and RemoteStore with, and the
// store for tests of the layers above. It is not durable and never full.
#pragma once

#include <memory>

#include "store/store.h"

namespace gw::store {

struct MemoryOptions {
  VaultId vault;
  Bytes recovery_recipient;                // for the vault's first leaf; empty if there is none
  Signer signer;                           // if empty, checkpoint() fails with Config
  std::uint64_t permit_bytes = 512 << 20;  // bytes that permit() distributes
  // The wall clock and the clock for leases and kept time, for tests of grace periods and leases.
  std::function<Micros()> clock = now;
  std::function<BootClock::time_point()> boot_clock = BootClock::now;
  std::chrono::seconds most_unseen = std::chrono::hours(1);  // see store/kept_time.h
};

// Creates an empty store whose vault history has its first leaf.
std::unique_ptr<Store> make_memory_store(MemoryOptions options);

// Returns an independent copy of a store that make_memory_store() returned, without its leases and
// pending tokens. With `keep_removal_records` no sweep of the copy removes removal records: a sweep that a
// crash has ended before that.
std::unique_ptr<Store> copy_memory_store(const Store& store, bool keep_removal_records = false);

}  // namespace gw::store

// What a store of any kind is told when it is opened.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "store/store.h"

namespace gw::store {

struct OpenOptions {
  std::string path;                          // the vault directory
  Signer signer;                             // empty: checkpoint() fails with Config
  std::function<void(const Error&)> failed;  // called once when a write has failed: exit with 75
  std::uint64_t permit_bytes = 512 << 20;    // bytes of memory that permit() distributes
  // Opens for reading only and does not change the vault, except for the lock file and, in a vault
  // that has just been migrated, the arrival line of its format file. Fails with Corrupt where it
  // would otherwise open read-only because of damage.
  bool look_only = false;
  std::function<Micros()> clock = now;
  // Leases and kept time count by it.
  std::function<BootClock::time_point()> boot_clock = BootClock::now;
  std::chrono::seconds most_unseen = std::chrono::hours(1);  // see store/kept_time.h
};

// Completes a vault that is being created; see create_store().
using Complete = std::function<Result<void>(Store& store)>;

// Names in the vault directory of files and directories that belong to no store.
inline constexpr std::array kOtherFiles{"history.key", "tls"};

}  // namespace gw::store

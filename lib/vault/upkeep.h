// What a vault knows of its own upkeep: when it was last backed up and verified, and from which backup it was
// restored. Small records of the vault; each change is a leaf of its history.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "store/store.h"

namespace gw::vault {

struct BackupNote {
  Micros time = 0;            // of the moment that the backup shows
  std::uint64_t commits = 0;  // of the vault by then
  std::uint64_t files = 0;
  std::uint64_t octets = 0;
};

Result<void> note_backup(store::Store& store, const BackupNote& note, std::string_view actor);
Result<void> note_restore(store::Store& store, const BackupNote& note, std::string_view actor);
// None: never.
Result<std::optional<BackupNote>> last_backup(store::Store& store);

struct VerifyNote {
  Micros time = 0;  // when it ended
  std::uint64_t mailboxes = 0;
  std::uint64_t messages = 0;
  std::uint64_t findings = 0;  // 0: all whole
};

Result<void> note_verify(store::Store& store, const VerifyNote& note, std::string_view actor);
// The last one that came to its end. None: never.
Result<std::optional<VerifyNote>> last_verify(store::Store& store);

}  // namespace gw::vault

// The vault's own record of its maintenance: when it was last backed up and verified, and from
// which backup it was restored. Stored as small records of the vault; each change is an entry in
// its history. `gw-store doctor` warns if a backup or verification is overdue.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "store/store.h"

namespace gw::vault {

struct BackupNote {
  Micros time = 0;            // the moment that the backup shows, in microseconds since the epoch
  std::uint64_t commits = 0;  // of the vault up to that moment
  std::uint64_t files = 0;
  std::uint64_t size = 0;  // total size in bytes
};

// Stores that a backup was completed, or that the vault was restored from one.
Result<void> note_backup(store::Store& store, const BackupNote& note, std::string_view actor);
Result<void> note_restore(store::Store& store, const BackupNote& note, std::string_view actor);
// Returns the last backup, or nullopt if there never was one. Fails with Corrupt if the record is
// invalid.
Result<std::optional<BackupNote>> last_backup(store::Store& store);

struct VerifyNote {
  Micros time = 0;  // when it ended, in microseconds since the epoch
  std::uint64_t mailboxes = 0;
  std::uint64_t messages = 0;
  std::uint64_t findings = 0;  // 0 if everything was intact
};

// Stores the result of a verification that ran to its end.
Result<void> note_verify(store::Store& store, const VerifyNote& note, std::string_view actor);
// Returns the last such verification, or nullopt if there never was one. Fails with Corrupt if the
// record is invalid.
Result<std::optional<VerifyNote>> last_verify(store::Store& store);

}  // namespace gw::vault

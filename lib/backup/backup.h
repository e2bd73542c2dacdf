// Backs up a vault while it is in use. The copy contains everything that was acknowledged before it
// began.
//
// The keeper makes a snapshot and passes its files one by one as open descriptors. The calling
// process writes and syncs them, and reads them back, so the copy belongs to the user who runs it.
// Existing backups stay untouched until the new one is complete. restore.h is the way back.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backup/destination.h"
#include "backup/tree.h"
#include "base/clock.h"
#include "base/first_few.h"
#include "base/result.h"
#include "store/store.h"

namespace gw::backup {

struct Options {
  std::string to;  // directory that gets a subdirectory for each backup
  // Link files that the newest backup there has already, instead of writing them.
  bool incremental = false;
  // Do not read the files that are linked. Without this, a file is only linked if its content still
  // has the digest in the older manifest.
  bool quick = false;
  // Which older backups stay at the end; without a rule, all.
  Keep keep{};
  std::string actor;  // the actor of history entries
  // Put a checkpoint into the manifest. Making one appends to the vault's history.
  bool sign = true;
};

// Damaged files of an older backup that a report names; all of them are counted.
inline constexpr std::size_t kMaxDamaged = 1000;

// The result of a backup.
struct Report {
  std::string name;  // name of its subdirectory in `to`
  VaultId vault;
  Micros time = 0;            // when the snapshot was made, microseconds
  std::uint64_t commits = 0;  // the last commit in it
  bool signed_checkpoint = false;
  std::uint64_t files = 0;          // in the backup, linked ones included
  std::uint64_t size = 0;           // bytes in these files
  std::uint64_t written_files = 0;  // of them, those that were not linked
  std::uint64_t written_bytes = 0;
  // Files of the newest older backup that do not match its manifest. The new backup contains intact
  // copies of them.
  FirstFew<std::string, kMaxDamaged> damaged;
  std::vector<std::string> removed;  // names of older backups that were removed
  // The backup is complete, but later steps failed: recording it in the vault, or removing older or
  // interrupted ones. The text names each of them.
  std::optional<Error> afterwards;
};

// Makes one backup in the directory `options.to`, records it in the vault's history, and removes
// older ones. Fails with Busy if another backup runs, if the keeper ended, or if `pulse` returned
// false; and with Full if the vault's disk has no room for a snapshot. If the destination is full
// or broken, the exit status is 74; if it cannot be created, 73. After an error, nothing of the new
// backup stays in `to`.
Result<Report> back_up(store::Store& store, const Options& options, const Pulse& pulse = {});

// Makes one backup in a destination that is open already, for a caller that copies several times
// (gw-store migrate). Differs from back_up() in three ways: it does not record the backup in the
// vault (signing does append to the history), it ignores `options.to` and `options.keep`, and after
// an interruption the copied files stay, so that the next call links them.
Result<Report> copy_into(const Destination& destination, store::Store& store, const Options& options,
                         const Pulse& pulse = {});

}  // namespace gw::backup

// A live copy of a vault into a folder, with everything in it that was acknowledged before it began.
//
// The keeper makes a snapshot and hands over its files one by one; they are written, synced and read back
// here, by who runs this. Nothing of what was there before is touched until the new one is complete.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backup/destination.h"
#include "backup/tree.h"
#include "base/clock.h"
#include "base/result.h"
#include "store/store.h"

namespace gw::backup {

struct Options {
  std::string to;
  bool incremental = false;  // what the newest one there has already is linked, and not written again
  bool quick = false;        // what is linked is not read again
  std::optional<std::size_t> keep{};  // older ones beyond so many are removed at the end
  std::string actor;
  bool sign = true;  // with a checkpoint, which is a change to the vault
};

struct Report {
  std::string name;  // of its folder in `to`
  VaultId vault;
  Micros time = 0;
  std::uint64_t commits = 0;
  bool signed_checkpoint = false;
  std::uint64_t files = 0;
  std::uint64_t octets = 0;
  std::uint64_t written_files = 0;
  std::uint64_t written_octets = 0;
  // Files of the newest older backup that are not what its manifest says. They were written anew.
  std::vector<std::string> damaged;
  std::vector<std::string> removed;  // older ones
  // It is complete, and yet: the vault could not be told, or an older one could not be removed.
  std::optional<Error> afterwards;
};

// Busy: another backup runs, the keeper ended, or `pulse` said so. Full: the vault's disk. A full or broken
// destination has exit status 74, one that cannot be made 73. After an error nothing new stays in `to`.
Result<Report> back_up(store::Store& store, const Options& options, const Pulse& pulse = {});

// One backup into a folder that is open, and nothing told to the vault but what signing does: for who copies
// several times. What is copied of an interrupted one stays, and is linked by the next.
Result<Report> copy_into(const Destination& destination, store::Store& store, const Options& options,
                         const Pulse& pulse = {});

}  // namespace gw::backup

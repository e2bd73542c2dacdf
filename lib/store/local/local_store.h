// The Store on this machine's disk: RocksDB for what is small, a file each for what is large. The keeper's.
//
//   VAULT/format   version, what a reader must know, vault id; written once
//   VAULT/db/      RocksDB: records, messages, bodies, history, seen
//   VAULT/large/   one age container over the threshold each
//   VAULT/head     how far acknowledged commits go, kept outside RocksDB
//   VAULT/ballast  room that is given back when the disk fills
//   VAULT/lock     our flock, with the holder's pid
//   VAULT/snapshot what a backup is copied from, while one is
//
// One process at a time has it open. Every change goes through one commit leader: the first of the waiting
// threads writes everybody's batch with one sync. A failed write or sync ends it for good: every later change
// answers Unavailable, `failed` is called once, and the process should exit 75 and start anew.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "store/store.h"

namespace gw::store {

struct LocalOptions {
  std::string path;
  Signer signer;
  std::function<void(const Error&)> failed;   // a write failed: stop, exit 75
  std::uint64_t large_threshold = 256 << 10;  // containers from this size on are files
  std::uint64_t append_memory = 32 << 20;     // held for all open appends together
  std::uint64_t low_mark = 64 << 20;          // free octets under which appends are refused
  std::uint64_t high_mark = 96 << 20;         // free octets above which they are taken again
  std::uint64_t ballast = 16 << 20;
  std::uint64_t permit_octets = 512 << 20;
  bool allow_network_fs = false;
  // For reading only, with nothing in the folder changed. Corrupt, where otherwise it would open read-only.
  bool look_only = false;
  std::function<Micros()> clock = now;
  std::function<BootClock::time_point()> boot_clock = BootClock::now;  // leases and waits count by it
  std::chrono::seconds most_unseen = std::chrono::hours(1);            // see store/kept_time.h
};

// Makes a vault in an absent or empty folder (0700). Exists: there is something already. Busy: another
// process is making one there. After a failure nothing of it is left, and nothing else is touched.
Result<void> create_local_store(const std::string& path, const VaultId& vault, ByteView recovery_recipient,
                                std::function<Micros()> clock = now);

// Opens it. NotFound: no vault there. Busy: another process has it. Version: made by a newer gw. Where
// acknowledged commits are missing or a log is damaged it opens read-only: health() says so, reads work and
// changes answer Unavailable.
Result<std::unique_ptr<Store>> open_local_store(LocalOptions options);

// Acknowledged commits that the database does not have.
struct Loss {
  std::uint64_t first = 0;
  std::uint64_t last = 0;   // that is known of
  Micros since = 0;         // time of the last history entry that there is
  std::uint64_t files = 0;  // large containers that no message names any more, put into VAULT/lost
};

// What is missing in a vault that opens read-only because its database is behind its head file; none:
// nothing. With `accept` it is written into every history as a Gap, and the vault opens for writing again.
// Corrupt: read-only for another reason. Busy, Full.
Result<std::optional<Loss>> repair_local_store(LocalOptions options, bool accept, std::string_view actor);

// Config where the folder is on a file system whose locks and syncs another host may not keep.
Result<void> refuse_network(const std::string& path);

// The id in VAULT/format, without opening anything.
Result<VaultId> read_vault_id(const std::string& path);

}  // namespace gw::store

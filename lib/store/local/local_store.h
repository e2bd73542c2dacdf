// The Store on the local disk, which the keeper runs: RocksDB for small data, a file for each large
// container.
//
//   VAULT/format    version, requirements, vault id (store/vault_format.h)
//   VAULT/db/       RocksDB: records, messages, small bodies, histories, fingerprints
//   VAULT/large/    one file for each container from `large_threshold` bytes on
//   VAULT/head      how far acknowledged commits go, kept outside of RocksDB
//   VAULT/ballast   disk space that is released when the disk fills
//   VAULT/lock      locked with flock, with the holder's process id
//   VAULT/snapshot  hard links from which a backup is copied, while one is made
//   VAULT/lost      sealed containers that repair or salvage found without a message
//
// One process at a time has it open. Every change goes through group commit (commit.h): one thread
// writes the changes of all waiting threads with one sync. A failed write or sync ends the store
// for good: every later change fails with Unavailable, `failed` is called once, and the process
// must exit with 75 and be restarted, because after a failed fsync the kernel may have dropped the
// data and a second fsync would report success.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "store/open_options.h"

namespace gw::store {

// How to open a vault with a store of this kind. Sizes are in bytes.
struct LocalOptions : OpenOptions {
  LocalOptions() = default;
  explicit LocalOptions(const OpenOptions& options) : OpenOptions(options) {}

  std::uint64_t large_threshold = 256 << 10;  // containers of at least this size are files
  // Memory for all open appends together; more goes to files.
  std::uint64_t append_memory = 32 << 20;
  std::uint64_t low_mark = 64 << 20;   // with less free space appends fail with Full
  std::uint64_t high_mark = 96 << 20;  // with this much free space they work again
  std::uint64_t ballast = 16 << 20;    // size of the ballast file
  bool allow_network_fs = false;       // skips refuse_network()
};

// Creates a vault in an absent or empty directory, with mode 0700. Files that an interrupted call has
// left there are removed first. Fails with Exists if something else is there, Busy if another process is
// creating one there, Full. After a failure none of its files remain and nothing else was touched,
// except for Unknown: then the vault was created if it can be opened. `recovery_recipient` may be
// empty. `complete` may be empty too. Otherwise it is called once, with the new store, and writes what
// belongs to the vault from the beginning, also the files of kOtherFiles; if it fails, no vault is
// created.
Result<void> create_local_store(const std::string& path, const VaultId& vault, ByteView recovery_recipient,
                                std::function<Micros()> clock = now, const Complete& complete = {});

// Opens a vault. If acknowledged commits are missing, the database is damaged, the disk has no room
// or the file system is mounted read-only, it opens read-only: health() says why, reads work,
// changes fail with Unavailable. Fails with NotFound if there is no vault, Busy if another process
// has it open, Version if a newer gw created it, Config if it has moved away, is on a network file
// system or has a store of another kind.
Result<std::unique_ptr<Store>> open_local_store(LocalOptions options);

// Acknowledged commits that the database does not contain.
struct Loss {
  std::uint64_t first = 0;  // number of the first missing commit
  std::uint64_t last = 0;   // number of the last one that is known of
  Micros since = 0;         // time of the newest leaf that is left
  std::uint64_t files = 0;  // large containers without a message that were moved to VAULT/lost
};

// Returns what is missing in a vault that opens read-only because its database is older than its
// head file; nullopt if nothing is. With `accept` it records the loss as a Gap leaf in every
// history, after which the vault opens for writing again. Fails with Corrupt if the vault is
// damaged in another way (see salvage.h), Busy, Full.
Result<std::optional<Loss>> repair_local_store(LocalOptions options, bool accept, std::string_view actor);

// Fails with Config if the directory is on a network or FUSE file system, whose locks and syncs may
// not hold against another host.
Result<void> refuse_network(const std::string& path);

}  // namespace gw::store

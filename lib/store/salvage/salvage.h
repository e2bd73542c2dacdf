// `gw-store salvage`: copies what can still be read of a vault that does not open any more into a
// new vault.
//
// The source is never written to. Its database is copied (files that never change by hard link, if
// possible) and read in every way that works: as it is, skipping damage; with its MANIFEST rebuilt
// by RocksDB's RepairDB; its write-ahead logs alone; its blob files alone. The findings are
// combined by what each item says about itself: a leaf has its index, a record its version, a body
// the digests in its leaf. A message that any leaf or record reports as gone stays gone.
//
// The new vault passes `gw-store verify`: each history is copied up to its first hole; what
// followed is recorded again after a Gap leaf, and so is every loss.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "store/local/local_store.h"

namespace gw::store {

// One thing that is missing in the new vault, or possibly outdated.
struct SalvageLoss {
  MailboxId mailbox;                 // zero: the vault itself
  std::optional<MessageId> message;  // nullopt if the loss is not about one message
  std::string why;                   // for people
  // Remains, as a path below the new vault; empty if there are none.
  std::string file;
};

struct SalvageOptions {
  // The damaged vault.
  std::string from;
  // The directory for the new vault: absent or empty, and not inside of `from`.
  std::string to;
  // Actor of the leaves that salvage adds.
  std::string actor;
  // Returns the vault id that a password slot contains, for a vault whose `format` is damaged.
  // Slots are opaque at this layer.
  std::function<std::optional<VaultId>(ByteView slot)> vault_of_slot;
  // Returns the digest of the recovery recipient by the vault's settings, for the first leaf of a
  // vault history whose beginning is lost.
  std::function<Digest(const std::vector<Record>& settings)> recipient_of_settings;
  // Called for each loss.
  std::function<void(const SalvageLoss&)> lost;
  // Called with the number of messages examined so far. May be null.
  std::function<void(std::uint64_t messages)> progress;
  std::function<Micros()> clock = now;
};

// The result. accepted = kept + gone + lost, counting the messages that anything readable mentions.
struct SalvageReport {
  VaultId vault;
  std::uint64_t mailboxes = 0;
  std::uint64_t accepted = 0;
  std::uint64_t kept = 0;       // messages in the new vault
  std::uint64_t gone = 0;       // removed, swept or discarded before
  std::uint64_t lost = 0;       // each was reported to `lost`
  std::uint64_t set_aside = 0;  // containers in lost/, of lost messages and of unknown ones
  std::uint64_t losses = 0;     // calls of `lost`; 0 if everything was recovered
};

// Runs the salvage. Fails with NotFound if there is no vault, Busy if a keeper has it open, Version
// if a newer gw created it, Corrupt if its id cannot be determined, Exists if `to` is not empty,
// Full. After a failure `to` is empty.
Result<SalvageReport> salvage_local_store(const SalvageOptions& options);

}  // namespace gw::store

// What can still be read of a vault that does not open any more, put into a new one.
//
// The source is never written to. Its database is copied (files that never change by hard link, where that
// can be) and read in every way that there is: as it is, past what is damaged; with its files listed anew
// (RocksDB's RepairDB), where the list is gone; its write-ahead logs and its blob files by themselves. What
// is found is put together by what each thing says of itself: a leaf has its index, a record its version, a
// body the digests in its leaf; and what any leaf or record says is gone stays gone.
//
// The new vault is one that verifies: histories go as far as they can be read without a hole; what came
// behind it is noted anew after a Gap, and so is every loss.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "store/local/local_store.h"

namespace gw::store {

// Something that is not in the new vault, or not for sure.
struct SalvageLoss {
  MailboxId mailbox;  // zero: the vault itself
  std::optional<MessageId> message;
  std::string why;
  std::string file;  // what is left of it, a path below the new vault; empty: nothing
};

struct SalvageOptions {
  std::string from;
  std::string to;  // absent or empty, and not within `from`
  std::string actor;
  // The vault that a password slot says it belongs to: for a vault whose `format` is damaged.
  std::function<std::optional<VaultId>(ByteView slot)> vault_of_slot;
  // What the vault's first leaf says of its recovery recipient, by the vault's settings: for a history whose
  // beginning is lost.
  std::function<Digest(const std::vector<Record>& settings)> recipient_of_settings;
  std::function<void(const SalvageLoss&)> lost;
  std::function<void(std::uint64_t messages)> progress;
  std::function<Micros()> clock = now;
};

// accepted = kept + gone + lost: of the messages that anything readable tells of.
struct SalvageReport {
  VaultId vault;
  std::uint64_t mailboxes = 0;
  std::uint64_t accepted = 0;
  std::uint64_t kept = 0;
  std::uint64_t gone = 0;       // removed, swept or discarded before
  std::uint64_t lost = 0;       // each was given to `lost`
  std::uint64_t set_aside = 0;  // containers in lost/, of lost messages and of such that nothing tells of
  std::uint64_t losses = 0;     // calls of `lost`; 0: everything is there
};

// NotFound: no vault there. Busy: a keeper has it. Version: made by a newer gw. Corrupt: it cannot be told
// which vault it was. Exists: `to` is not empty. After a failure `to` is as it was.
Result<SalvageReport> salvage_local_store(const SalvageOptions& options);

}  // namespace gw::store

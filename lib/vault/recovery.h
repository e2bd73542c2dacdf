// The vault's recovery recipients: each mailbox's secret keys are also sealed to them, so that each
// of their owners can open the mailbox if its password is lost.
//
// A vault is created with one recipient or none, which its first history entry holds. Recipients
// that are added or removed later are in a record of their own, and each change of that record has an
// entry in the vault's history with its digest. Only the newest such entry counts: a record that was
// replaced or deleted without an entry is found, and a replacement with an entry shows in the
// history.
// After a Gap the history may lack that entry, and the record counts as it is.
//
// A change of the recipients does not touch the slots of mailboxes, because the keys of the mailboxes
// are not open then. A mailbox gets a slot for the present recipients when its password is changed, its
// keys are rotated, or reseal_recovery() is called.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "base/result.h"
#include "seal/keypair.h"
#include "store/store.h"

namespace gw::vault {

inline constexpr std::size_t kMaxRecoveryRecipients = 16;  // that are not removed

struct RecoveryRecipient {
  std::string text;       // `age1…`
  bool founding = false;  // the vault was created with it
  bool removed = false;   // may still open mailboxes that were not resealed
  Micros added = 0;       // 0 if that was when the vault was created
};

// Returns all recipients that the vault ever had, in the order in which they were added. Fails with
// Corrupt, and logs an error, if they are not those that the vault's history has, and with Busy if
// other processes keep changing them.
Result<std::vector<RecoveryRecipient>> recovery_recipients(store::Store& store);
// Returns the keys of those that are not removed.
Result<std::vector<seal::PublicKey>> recovery_keys(store::Store& store);

// Adds a recipient, for slots that are made from now on. Fails with Exists if the vault has it, with
// Full if it has kMaxRecoveryRecipients, and as recovery_recipients(). A call that fails with Exists
// completes a change that was interrupted.
Result<void> add_recovery_recipient(store::Store& store, const seal::PublicKey& key, std::string_view actor);
// Removes a recipient: slots that are made from now on are not sealed to it. Fails with NotFound if
// the vault never had it, with Exists, as add_recovery_recipient(), if it was removed before, with
// Conflict if it is the last one, and as recovery_recipients().
Result<void> remove_recovery_recipient(store::Store& store, const seal::PublicKey& key,
                                       std::string_view actor);

// Returns the SHA-256 of the text of each recipient that the mailbox's recovery slot is sealed to;
// empty if it has none. It is what the slot says, which only its openers can verify.
Result<std::vector<Digest>> recovery_slot_of(store::Store& store, const MailboxId& mailbox,
                                             const std::vector<RecoveryRecipient>& recipients);
// Seals the keys in `ring` to the present recipients and puts that in the place of the mailbox's
// recovery slot, if it has one. Fails with Conflict if the mailbox was changed since `mailbox` was
// read, and if the vault has no recipient.
Result<void> reseal_recovery(store::Store& store, const store::MailboxRecord& mailbox,
                             const seal::KeyRing& ring, std::string_view actor);

}  // namespace gw::vault

// What the functions that open or wrap keys share. Internal to lib/vault.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "seal/slot.h"
#include "store/store.h"
#include "vault/mailbox.h"

namespace gw::vault {

// Names of the slots of a mailbox, as in store::RecordKey.
inline constexpr std::string_view kPasswordSlot = "password";
inline constexpr std::string_view kRecoverySlot = "recovery";
// Name of the Setting record of the vault's recovery recipients (vault/recovery.h).
inline constexpr std::string_view kRecoveryRecord = "recovery";

// Returns the least Argon2id memory in bytes that these settings allow: 64 MiB, or 8 KiB for a test
// vault.
std::uint64_t floor_of(const Settings& settings);

// Creates the password slot for the keys in `ring`. Takes a memory permit for the Argon2id work and
// fails with Busy if there is none.
Result<store::Slot> make_password_slot(store::Store& store, const Settings& settings,
                                       const MailboxId& mailbox, const seal::KeyRing& ring,
                                       const Secret& password);
// Creates the recovery slot for the keys in `ring`, sealed to each of `recipients`.
Result<store::Slot> make_recovery_slot(store::Store& store, const MailboxId& mailbox,
                                       const seal::KeyRing& ring,
                                       const std::vector<seal::PublicKey>& recipients);
// Puts a mailbox with its slots. If the reply to the commit is lost, asks the store once whether it
// was made.
Result<void> put_slots(store::Store& store, const store::MailboxRecord& record,
                       const std::vector<store::Slot>& slots, const store::Note& why);

// Opens a password slot. The password is compared in its normal form (normal_password()) and, if
// that fails and differs, as typed. The caller holds the memory permit. Fails as
// seal::open_password_slot().
Result<seal::KeyRing> open_slot(const seal::SlotPlace& place, ByteView slot, const Secret& password,
                                const Settings& settings);
// Does the Argon2id work that open_slot() does with a wrong password. Used if there is no slot, so
// that the time of a login does not tell whether the mailbox exists.
Result<void> work_as_open_slot(const VaultId& vault, std::string_view name, const Secret& password,
                               const seal::Argon2Cost& cost);

}  // namespace gw::vault

// What opening and wrapping keys have in common. Internal to this part.
#pragma once

#include <string_view>

#include "base/result.h"
#include "seal/slot.h"
#include "store/store.h"
#include "vault/mailbox.h"

namespace gw::vault {

inline constexpr std::string_view kPasswordSlot = "password";
inline constexpr std::string_view kRecoverySlot = "recovery";

std::uint64_t floor_of(const Settings& settings);

// The vault's recovery recipient, none where it has none. Corrupt, and a line in the log, where it is not the
// one that the first leaf of the vault's history names: somebody put in a key of his own.
Result<std::optional<seal::PublicKey>> recovery_recipient(store::Store& store, const Settings& settings);

// The slots of a mailbox whose keys these are. Takes a permit for the Argon2id work.
Result<store::Slot> make_password_slot(store::Store& store, const Settings& settings,
                                       const MailboxId& mailbox, const seal::KeyRing& ring,
                                       const Secret& password);
Result<store::Slot> make_recovery_slot(store::Store& store, const MailboxId& mailbox,
                                       const seal::KeyRing& ring, const seal::PublicKey& recipient);

// Opens a slot by a password in any form that its user may type it in. Fails as seal::open_password_slot().
Result<seal::KeyRing> open_slot(const seal::SlotPlace& place, ByteView slot, const Secret& password,
                                const Settings& settings);
// The work of open_slot() with a wrong password, when there is no slot.
Result<void> work_as_open_slot(const VaultId& vault, std::string_view name, const Secret& password,
                               const seal::Argon2Cost& cost);

}  // namespace gw::vault

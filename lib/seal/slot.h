// Slots: the wrapped secret keys of a mailbox (gw-vault(7)).
//
// A password slot has a fixed big-endian layout:
//
//   "gwsl"   u8 version (1)   u8 type (1)   16 vault   16 mailbox   u32 memory (KiB)   u32 passes   16 salt
//   32 commitment   24 nonce   sealed { u32 count, count × (u32 generation, 32 public key, 32 secret key) },
//   16 tag
//
// Argon2id over password and salt yields a wrap key and a commit key. The commitment is HMAC-SHA256
// over a label and the first line under the commit key. It is compared before the cipher
// (XChaCha20-Poly1305 with the first line as associated data) is tried. A slot thus opens with one
// password only: an attacker cannot craft a slot whose opening tests many passwords in one attempt
// (a partitioning oracle).
//
// A recovery slot is an age file sealed to the vault's recovery recipients. The age program itself
// opens it with the key of any of them. Beside the stanza of each recipient its header has a stanza
//
//   -> gw-recipient BASE64
//
// with the SHA-256 of the recipient's text and without a body: X25519 stanzas do not show for whom
// they are. Slots of version 0.1 have one X25519 stanza and no other. The result is an identity file with the same keys, with which age opens the containers
// of the mailbox.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/id.h"
#include "base/result.h"
#include "base/secret.h"
#include "seal/keypair.h"

namespace gw::seal {

// The cost of one Argon2id computation.
struct Argon2Cost {
  std::uint64_t memory = 128 << 20;  // bytes, a multiple of 1024
  std::uint32_t passes = 3;

  friend bool operator==(const Argon2Cost&, const Argon2Cost&) = default;
};
// Limits of the cost. A slot with a cost out of range is rejected before the work is done, so that
// a forged slot can neither exhaust the memory nor be cheap to guess.
//
// Minimum memory in a real vault, in bytes.
inline constexpr std::uint64_t kArgon2Floor = 64 << 20;
// Minimum memory that Argon2id itself permits.
inline constexpr std::uint64_t kArgon2TestFloor = 8 << 10;
inline constexpr std::uint64_t kArgon2Ceiling = 1 << 30;
inline constexpr std::uint32_t kArgon2MaxPasses = 10;
// Maximum number of keys in a slot.
inline constexpr std::size_t kMaxRing = 4096;

// Returns whether `cost` is within the limits. `floor` is the minimum memory in bytes; tests lower
// it.
bool valid_cost(const Argon2Cost& cost, std::uint64_t floor = kArgon2Floor);

// The vault and mailbox that a slot belongs to. Both are authenticated.
struct SlotPlace {
  VaultId vault;
  MailboxId mailbox;
};

// Returns a new password slot. Fails with BadInput if a slot may not have this ring or cost, and
// with Busy if there is no memory for Argon2id.
Result<Bytes> seal_password_slot(const SlotPlace& place, const KeyRing& ring, const Secret& password,
                                 const Argon2Cost& cost, std::uint64_t floor = kArgon2Floor);
// Returns the cost of opening `slot`, so that the caller can obtain a memory permit first. Fails
// with Corrupt if it is not a slot of this place or its cost is out of range, and with Version if a
// newer version wrote it.
Result<Argon2Cost> slot_cost(const SlotPlace& place, ByteView slot, std::uint64_t floor = kArgon2Floor);
// Returns the keys in the slot. The public halves are derived again, and must be those that the
// slot lists. Fails with Denied if the password is wrong or the slot's salt, cost or commitment was
// altered, which cannot be told apart; with Corrupt or Version, before any work, like slot_cost();
// with Corrupt if other parts were altered; with Busy if there is no memory for Argon2id.
Result<KeyRing> open_password_slot(const SlotPlace& place, ByteView slot, const Secret& password,
                                   std::uint64_t floor = kArgon2Floor);
// Does the work of opening a slot that does not exist, so that the time of a failed login does not
// reveal whether a mailbox exists. The salt is derived from `name`, so the same name always causes
// the same work. Fails with Busy like open_password_slot().
Result<void> work_for_nothing(const VaultId& vault, std::string_view name, const Secret& password,
                              const Argon2Cost& cost);

// Returns the place that a password slot names, without any authentication; nullopt if it is not a
// password slot.
std::optional<SlotPlace> place_of(ByteView slot);

// Returns a new recovery slot, sealed to each of `recipients`. Fails with BadInput if the ring is
// empty or too long, if there is no recipient, or if nothing can be sealed to one of them.
Result<Bytes> seal_recovery_slot(const SlotPlace& place, const KeyRing& ring,
                                 std::span<const PublicKey> recipients);
// Returns the SHA-256 of the text of each recipient that the slot names, in its order; empty for a
// slot of version 0.1. Needs no key, and authenticates nothing. Fails with Corrupt if it is not a
// recovery slot.
Result<std::vector<Digest>> recovery_slot_recipients(ByteView slot);
// Returns the keys in the slot. Fails with Denied if it is sealed to another key than `recovery`,
// and with Corrupt if it was altered or belongs to another place.
Result<KeyRing> open_recovery_slot(const SlotPlace& place, ByteView slot, const SecretKey& recovery);

}  // namespace gw::seal

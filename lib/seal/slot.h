// Slots: what a mailbox's secret keys are wrapped in.
//
// A password slot is a fixed big-endian layout:
//
//   "gwsl"   u8 version (1)   u8 type (1)   16 vault   16 mailbox   u32 memory (KiB)   u32 passes   16 salt
//   32 commitment   24 nonce   sealed { u32 count, count × (u32 generation, 32 public key, 32 secret key) },
//   16 tag
//
// Argon2id over password and salt gives a wrap key and a commit key. The commitment, HMAC-SHA256 over the
// first line under the commit key, is compared before the cipher (XChaCha20-Poly1305 with the same line as
// associated data) is tried: one slot opens with one password only, so none can be made that tests many.
//
// A recovery slot is an age file to the vault's recovery recipient. The stock age program opens it to an
// identity file that lists the same keys, which opens the mailbox's containers.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/id.h"
#include "base/result.h"
#include "base/secret.h"
#include "seal/keypair.h"

namespace gw::seal {

struct Argon2Cost {
  std::uint64_t memory = 128 << 20;  // octets
  std::uint32_t passes = 3;

  friend bool operator==(const Argon2Cost&, const Argon2Cost&) = default;
};
inline constexpr std::uint64_t kArgon2Floor = 64 << 20;     // what a real vault may use
inline constexpr std::uint64_t kArgon2TestFloor = 8 << 10;  // the least that Argon2id takes
inline constexpr std::uint64_t kArgon2Ceiling = 1 << 30;
inline constexpr std::uint32_t kArgon2MaxPasses = 10;
inline constexpr std::size_t kMaxRing = 4096;

bool valid_cost(const Argon2Cost& cost, std::uint64_t floor = kArgon2Floor);

// Where a slot belongs; part of what is authenticated.
struct SlotPlace {
  VaultId vault;
  MailboxId mailbox;
};

// Internal: there is no memory for Argon2id. BadInput: a ring or cost that no slot may have.
Result<Bytes> seal_password_slot(const SlotPlace& place, const KeyRing& ring, const Secret& password,
                                 const Argon2Cost& cost, std::uint64_t floor = kArgon2Floor);
// What opening it will cost. Corrupt: not a slot of this place, or a cost out of range.
Result<Argon2Cost> slot_cost(const SlotPlace& place, ByteView slot, std::uint64_t floor = kArgon2Floor);
// Denied: not the password, or the slot was altered where that cannot be told from it. Corrupt, before any
// work: not a slot of this place. The public halves are derived, and Corrupt where the slot lists others.
Result<KeyRing> open_password_slot(const SlotPlace& place, ByteView slot, const Secret& password,
                                   std::uint64_t floor = kArgon2Floor);
// The work of opening a slot, where there is none. The salt follows from the name, as if there were one.
Result<void> work_for_nothing(const VaultId& vault, std::string_view name, const Secret& password,
                              const Argon2Cost& cost);

// The place that a password slot names, unchecked; none: it is not one.
std::optional<SlotPlace> place_of(ByteView slot);

Result<Bytes> seal_recovery_slot(const SlotPlace& place, const KeyRing& ring, const PublicKey& recipient);
// Denied: sealed to another key. Corrupt: altered, or of another place.
Result<KeyRing> open_recovery_slot(const SlotPlace& place, ByteView slot, const SecretKey& recovery);

}  // namespace gw::seal

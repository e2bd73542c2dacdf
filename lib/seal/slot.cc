// Password slots. The layout is described in seal/slot.h and gw-vault(7).
#include "seal/slot.h"

#include <sodium.h>

#include <algorithm>

#include "seal/hkdf.h"

namespace gw::seal {
namespace {

constexpr std::string_view kMagic = "gwsl";
constexpr std::uint8_t kSlotVersion = 1;
constexpr std::uint8_t kPasswordType = 1;
constexpr std::size_t kSalt = crypto_pwhash_SALTBYTES;
constexpr std::size_t kSlotHeader = 4 + 1 + 1 + 16 + 16 + 4 + 4 + kSalt;
constexpr std::size_t kCommitment = 32;
constexpr std::size_t kNonceOctets = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagOctets = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t kKeyOctets = 4 + 32 + 32;  // generation, public key, secret key
constexpr std::string_view kCommitLabel = "gw slot commitment v1";
static_assert(kSlotHeader == 62 && kSalt == 16 && kNonceOctets == 24 && kTagOctets == 16);

// Views into a slot.
struct SlotParts {
  Argon2Cost cost;
  ByteView header;
  ByteView salt;
  ByteView commitment;
  ByteView nonce;
  ByteView sealed;
};

// Returns the part that the commitment and the associated data cover.
Bytes slot_header(const SlotPlace& place, const Argon2Cost& cost, ByteView salt) {
  ByteWriter out;
  out.text(kMagic).u8(kSlotVersion).u8(kPasswordType).bytes(place.vault.view()).bytes(place.mailbox.view());
  out.u32(static_cast<std::uint32_t>(cost.memory >> 10)).u32(cost.passes).bytes(salt);
  return out.take();
}

// Checks everything that can be checked without the password, before any expensive work.
Result<SlotParts> split_slot(const SlotPlace& place, ByteView slot, std::uint64_t floor) {
  const Error corrupt(Code::Corrupt, "not a password slot of this mailbox");
  ByteReader in(slot);
  if (as_text(in.bytes(kMagic.size())) != kMagic) return corrupt;
  const std::uint8_t version = in.u8();
  // A newer version is reported as such, so that the user learns that an upgrade, not a repair, is
  // needed.
  if (in.ok() && version > kSlotVersion) return Error(Code::Version, "the password slot has a newer version");
  if (version != kSlotVersion || in.u8() != kPasswordType) return corrupt;
  if (!equal(in.bytes(16), place.vault.view()) || !equal(in.bytes(16), place.mailbox.view())) return corrupt;
  SlotParts parts;
  parts.cost.memory = std::uint64_t{in.u32()} << 10;
  parts.cost.passes = in.u32();
  parts.salt = in.bytes(kSalt);
  parts.header = slot.first(std::min(slot.size(), kSlotHeader));
  parts.commitment = in.bytes(kCommitment);
  parts.nonce = in.bytes(kNonceOctets);
  parts.sealed = in.rest();
  // The length must match a whole number of keys.
  constexpr std::size_t kFrame = 4 + kTagOctets;
  if (!in.ok() || parts.sealed.size() < kFrame + kKeyOctets ||
      (parts.sealed.size() - kFrame) % kKeyOctets != 0 ||
      (parts.sealed.size() - kFrame) / kKeyOctets > kMaxRing)
    return corrupt;
  if (!valid_cost(parts.cost, floor))
    return Error(Code::Corrupt, "the cost of the password slot is out of range");
  return parts;
}

// The output of Argon2id, split in two.
struct SlotKeys {
  Secret both = Secret(64);
  ByteView wrap() const { return both.view().first(32); }
  ByteView commit() const { return both.view().last(32); }
};

// Runs Argon2id. libsodium expects a non-null pointer even for an empty password.
Result<SlotKeys> stretch(const Secret& password, ByteView salt, const Argon2Cost& cost) {
  SlotKeys keys;
  const ByteView text = password.view();
  const std::byte none{};
  if (crypto_pwhash(as_uchar(keys.both.span().data()), keys.both.size(),
                    reinterpret_cast<const char*>(text.empty() ? &none : text.data()), text.size(),
                    as_uchar(salt.data()), cost.passes, cost.memory, crypto_pwhash_ALG_ARGON2ID13) != 0)
    return Error(Code::Busy, "not enough memory for Argon2id");
  return keys;
}

// Generations start at 1 and ascend.
bool valid_ring(const KeyRing& ring) {
  if (ring.keys.empty() || ring.keys.size() > kMaxRing) return false;
  for (std::size_t i = 0; i < ring.keys.size(); ++i) {
    if (ring.keys[i].generation == 0 || ring.keys[i].secret.scalar.size() != 32) return false;
    if (i > 0 && ring.keys[i].generation <= ring.keys[i - 1].generation) return false;
  }
  return true;
}

void put_u32(std::span<std::byte> to, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) to[i] = static_cast<std::byte>(value >> (24 - 8 * i));
}

// Written by hand into a Secret: ByteWriter would leave copies of the keys in ordinary memory.
Secret ring_bytes(const KeyRing& ring) {
  Secret plain(4 + ring.keys.size() * kKeyOctets);
  std::span<std::byte> at = plain.span();
  put_u32(at, static_cast<std::uint32_t>(ring.keys.size()));
  at = at.subspan(4);
  for (const RingKey& key : ring.keys) {
    put_u32(at, key.generation);
    std::ranges::copy(key.public_half, at.subspan(4).begin());
    std::ranges::copy(key.secret.scalar.view(), at.subspan(36).begin());
    at = at.subspan(kKeyOctets);
  }
  return plain;
}

Result<KeyRing> read_ring(const Secret& plain) {
  ByteReader in(plain.view());
  KeyRing ring;
  const std::uint32_t count = in.u32();
  if (std::uint64_t{count} * kKeyOctets != in.rest().size())
    return Error(Code::Corrupt, "the slot has the wrong number of keys");
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t generation = in.u32();
    const ByteView listed = in.bytes(32);
    // The listed public key is only compared. Mail is sealed to public keys, and a wrong one here
    // would hide that mail cannot be opened.
    ring.keys.push_back(ring_key(generation, SecretKey{Secret(in.bytes(32))}));
    if (!equal(ring.keys.back().public_half, listed))
      return Error(Code::Corrupt, "a public key in the slot does not match its secret key");
  }
  if (!valid_ring(ring)) return Error(Code::Corrupt, "the generations in the slot are out of order");
  return ring;
}

}  // namespace

bool valid_cost(const Argon2Cost& cost, std::uint64_t floor) {
  return cost.memory >= std::max(floor, kArgon2TestFloor) && cost.memory <= kArgon2Ceiling &&
         cost.memory % 1024 == 0 && cost.passes >= 1 && cost.passes <= kArgon2MaxPasses;
}

std::optional<SlotPlace> place_of(ByteView slot) {
  ByteReader in(slot);
  if (as_text(in.bytes(kMagic.size())) != kMagic || in.u8() != kSlotVersion || in.u8() != kPasswordType)
    return std::nullopt;
  const VaultId vault = VaultId::from(in.bytes(16));
  const MailboxId mailbox = MailboxId::from(in.bytes(16));
  if (!in.ok()) return std::nullopt;
  return SlotPlace{vault, mailbox};
}

Result<Bytes> seal_password_slot(const SlotPlace& place, const KeyRing& ring, const Secret& password,
                                 const Argon2Cost& cost, std::uint64_t floor) {
  if (!valid_ring(ring)) return Error(Code::BadInput, "the keys are not valid for a slot");
  if (!valid_cost(cost, floor)) return Error(Code::BadInput, "the Argon2id cost is out of range");
  std::array<std::byte, kSalt> salt;
  random_bytes(salt);
  const Result<SlotKeys> keys = stretch(password, salt, cost);
  if (!keys) return keys.error();

  Bytes slot = slot_header(place, cost, salt);
  // The commitment follows the header, and the header alone is the associated data of the cipher.
  append(slot, hmac(keys->commit(), {as_bytes(kCommitLabel), slot}));
  std::array<std::byte, kNonceOctets> nonce;
  random_bytes(nonce);
  append(slot, nonce);
  const Secret plain = ring_bytes(ring);
  Bytes sealed(plain.size() + kTagOctets);
  crypto_aead_xchacha20poly1305_ietf_encrypt(as_uchar(sealed.data()), nullptr, as_uchar(plain.view().data()),
                                             plain.size(), as_uchar(slot.data()), kSlotHeader, nullptr,
                                             as_uchar(nonce.data()), as_uchar(keys->wrap().data()));
  append(slot, sealed);
  return slot;
}

Result<Argon2Cost> slot_cost(const SlotPlace& place, ByteView slot, std::uint64_t floor) {
  const Result<SlotParts> parts = split_slot(place, slot, floor);
  if (!parts) return parts.error();
  return parts->cost;
}

Result<KeyRing> open_password_slot(const SlotPlace& place, ByteView slot, const Secret& password,
                                   std::uint64_t floor) {
  const Result<SlotParts> parts = split_slot(place, slot, floor);
  if (!parts) return parts.error();
  const Result<SlotKeys> keys = stretch(password, parts->salt, parts->cost);
  if (!keys) return keys.error();
  // XChaCha20-Poly1305 is not key-committing: a ciphertext can be made that opens under many keys.
  // The commitment is compared first, in constant time, so that such a slot fails.
  const Digest commitment = hmac(keys->commit(), {as_bytes(kCommitLabel), parts->header});
  if (!equal_secrets(commitment, parts->commitment)) return Error(Code::Denied, "wrong password");

  Secret plain(parts->sealed.size() - kTagOctets);
  // The password is right at this point, so a failure is damage, not a wrong password.
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          as_uchar(plain.span().data()), nullptr, nullptr, as_uchar(parts->sealed.data()),
          parts->sealed.size(), as_uchar(parts->header.data()), parts->header.size(),
          as_uchar(parts->nonce.data()), as_uchar(keys->wrap().data())) != 0)
    return Error(Code::Corrupt, "the password slot was altered");
  return read_ring(plain);
}

Result<void> work_for_nothing(const VaultId& vault, std::string_view name, const Secret& password,
                              const Argon2Cost& cost) {
  // Like the salt of a real slot, this one stays the same for a name. The final HMAC is the one
  // that open_password_slot() computes after Argon2id.
  const Digest salt = hmac(vault.view(), {as_bytes("gw slot of nobody v1"), as_bytes(name)});
  const Result<SlotKeys> keys = stretch(password, ByteView(salt).first(kSalt), cost);
  if (!keys) return keys.error();
  (void)hmac(keys->commit(), {as_bytes(kCommitLabel), ByteView(salt)});
  return {};
}

}  // namespace gw::seal

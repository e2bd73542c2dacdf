// X25519 key pairs and their text forms in age (age-encryption.org/v1): recipients `age1…` and
// identities `AGE-SECRET-KEY-1…`.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace gw::seal {

using PublicKey = std::array<std::byte, 32>;

// A secret key. It can be moved, not copied.
struct SecretKey {
  Secret scalar;  // 32 bytes
};

// Returns a new random key.
SecretKey generate_key();
// Returns the public half of `key`.
PublicKey public_key(const SecretKey& key);

// Returns `age1…` (Bech32, BIP 173).
std::string recipient(const PublicKey& key);
// Parses `age1…`; lower case only, as in age. Fails with BadInput.
Result<PublicKey> parse_recipient(std::string_view text);
// Returns `AGE-SECRET-KEY-1…` without a line ending.
Secret identity(const SecretKey& key);
// Parses one identity in upper case. Fails with BadInput.
Result<SecretKey> parse_identity(std::string_view text);
// Parses the first identity in the text of an identity file, after comments and empty lines. Fails
// with BadInput.
Result<SecretKey> read_identity_file(std::string_view text);

// One key pair of a mailbox, with the number of its generation.
struct RingKey {
  std::uint32_t generation = 0;
  PublicKey public_half{};
  SecretKey secret;
};
// Returns a RingKey; derives the public half.
RingKey ring_key(std::uint32_t generation, SecretKey secret);

// All key pairs of a mailbox, one for each generation, in ascending order.
struct KeyRing {
  std::vector<RingKey> keys;
  // Returns the key of a generation, or null. Valid until `keys` changes.
  const RingKey* find(std::uint32_t generation) const;
};

}  // namespace gw::seal

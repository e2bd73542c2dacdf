// X25519 key pairs, in age's forms (age-encryption.org/v1): `age1…` recipients, `AGE-SECRET-KEY-1…`
// identities.
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

struct SecretKey {
  Secret scalar;  // 32 octets
};

SecretKey generate_key();
PublicKey public_key(const SecretKey& key);

std::string recipient(const PublicKey& key);                  // `age1…` (Bech32, BIP 173)
Result<PublicKey> parse_recipient(std::string_view text);     // BadInput
Secret identity(const SecretKey& key);                        // `AGE-SECRET-KEY-1…`, without a line end
Result<SecretKey> parse_identity(std::string_view text);      // one line; BadInput
Result<SecretKey> read_identity_file(std::string_view text);  // the first identity among comments and blanks

// All secret keys of a mailbox, one for each generation, ascending.
struct RingKey {
  std::uint32_t generation = 0;
  PublicKey public_half{};
  SecretKey secret;
};
RingKey ring_key(std::uint32_t generation, SecretKey secret);  // derives the public half

struct KeyRing {
  std::vector<RingKey> keys;
  const RingKey* find(std::uint32_t generation) const;
};

}  // namespace gw::seal

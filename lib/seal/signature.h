// Ed25519 signatures (RFC 8032), for checkpoints.
#pragma once

#include <array>

#include "base/bytes.h"
#include "base/secret.h"

namespace gw::seal {

using VerifyKey = std::array<std::byte, 32>;
using Signature = std::array<std::byte, 64>;

// A key pair for signing. The secret half is wiped by the destructor. Safe for concurrent use.
class SigningKey {
 public:
  // Derives the key pair from `seed`, the secret key of RFC 8032.
  explicit SigningKey(std::span<const std::byte, 32> seed);
  const VerifyKey& verify_key() const { return verify_key_; }
  // Returns the signature of `message`. It is deterministic.
  Signature sign(ByteView message) const;

 private:
  Secret secret_;
  VerifyKey verify_key_{};
};

// Returns whether `signature` is a valid signature of `message` by `key`.
bool verify(const VerifyKey& key, ByteView message, const Signature& signature);

}  // namespace gw::seal

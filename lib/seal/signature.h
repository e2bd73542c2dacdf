// Ed25519 (RFC 8032), for checkpoints.
#pragma once

#include <array>

#include "base/bytes.h"
#include "base/secret.h"

namespace gw::seal {

using VerifyKey = std::array<std::byte, 32>;
using Signature = std::array<std::byte, 64>;

class SigningKey {
 public:
  explicit SigningKey(std::span<const std::byte, 32> seed);
  const VerifyKey& verify_key() const { return verify_key_; }
  Signature sign(ByteView message) const;

 private:
  Secret secret_;
  VerifyKey verify_key_{};
};

bool verify(const VerifyKey& key, ByteView message, const Signature& signature);

}  // namespace gw::seal

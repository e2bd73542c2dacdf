// X25519 with the base point (RFC 7748 section 6.1), in half of the time.
//
// libsodium's crypto_scalarmult_base climbs the Montgomery ladder as for any point. Its Ed25519 has tables
// for the same point on the birationally equivalent curve: the multiple is taken there, and mapped back by u
// = (1 + y) / (1 - y) (RFC 7748 section 4.1). Only the multiplication sees the secret; the map works on what
// is public.
#pragma once

#include "base/bytes.h"
#include "seal/keypair.h"

namespace gw::seal {

// The public half of a secret scalar of 32 octets.
PublicKey times_base_point(ByteView scalar);

}  // namespace gw::seal

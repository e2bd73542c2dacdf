// HMAC-SHA256 (RFC 2104) and HKDF-SHA256 (RFC 5869), for age and for the vault's own key
// derivation.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/secret.h"

namespace gw::seal {

// Wiped when it goes out of scope.
using Key = StackSecret<32>;

// Returns 32 bytes of HKDF-SHA256. Each purpose has its own `info`, so that keys for different
// purposes are independent.
Key hkdf(ByteView key_material, ByteView salt, std::string_view info);

// Returns the HMAC of the concatenation of `parts`.
Digest hmac(ByteView key, std::initializer_list<ByteView> parts);

}  // namespace gw::seal

// HMAC-SHA256 (RFC 2104) and HKDF-SHA256 (RFC 5869), as age and the vault's own derivations use them.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/secret.h"

namespace gw::seal {

using Key = BriefSecret<32>;

// 32 octets of HKDF-SHA256. Keys for different purposes differ in `info`.
Key hkdf(ByteView key_material, ByteView salt, std::string_view info);

// Over the parts as one string.
Digest hmac(ByteView key, std::initializer_list<ByteView> parts);

}  // namespace gw::seal

// Bech32 (BIP 173) without its limit of 90 characters, as age uses it.
#pragma once

#include <optional>
#include <string_view>

#include "base/secret.h"

namespace gw::seal {

// `prefix` and `octets` as lower-case text. In secret memory, as what it holds may be a key.
Secret to_bech32(std::string_view prefix, ByteView octets);

// The octets behind `prefix`, which is compared without case. None for mixed case, a wrong checksum or
// padding, or another prefix.
std::optional<Secret> from_bech32(std::string_view prefix, std::string_view text);

}  // namespace gw::seal

// Bech32 (BIP 173) without its limit of 90 characters, as age encodes its keys.
#pragma once

#include <optional>
#include <string_view>

#include "base/secret.h"

namespace gw::seal {

// Returns the encoding of `data` after `prefix` and the separator, in lower case. The result is a
// Secret because the bytes may be a secret key.
Secret to_bech32(std::string_view prefix, ByteView data);

// Returns the bytes that `text` encodes. Case of the prefix is ignored. nullopt for mixed case, a
// wrong checksum, wrong padding, or another prefix.
std::optional<Secret> from_bech32(std::string_view prefix, std::string_view text);

}  // namespace gw::seal

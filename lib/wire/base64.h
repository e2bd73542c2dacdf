// Base64 (RFC 4648 section 4), strictly: padding is there, no line ends, no other octet, no stray bits.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/secret.h"

namespace gw::wire {

std::string base64_encode(ByteView octets);
Secret base64_encode_secret(ByteView octets);  // for what holds a password

// None unless all of `text` is base64. Two texts never give the same octets.
std::optional<Bytes> base64_decode(std::string_view text);
// The same for what may hold a password: the octets are only ever in the Secret.
std::optional<Secret> base64_decode_secret(std::string_view text);

}  // namespace gw::wire

// Base64 with the standard alphabet (RFC 4648 section 4), canonical forms only: nothing but the alphabet, no
// stray bits, exactly the padding that was asked for.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace gw::seal {

enum class Padding : unsigned char { None, Full };

std::string to_base64(ByteView octets, Padding padding);
std::optional<Bytes> from_base64(std::string_view text, Padding padding);
// False unless the text is the canonical form of exactly `to.size()` octets.
bool from_base64(std::string_view text, Padding padding, std::span<std::byte> to);

}  // namespace gw::seal

// Base64 with the standard alphabet (RFC 4648, section 4). The decoder accepts only the canonical
// form: no other characters, no stray bits, exactly the requested padding. Each byte string
// therefore has one accepted encoding, as age demands of its headers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace gw::seal {

// None: no `=` at all. Full: as many as the RFC demands.
enum class Padding : unsigned char { None, Full };

// Returns the encoding of `data`, without a line ending.
std::string to_base64(ByteView data, Padding padding);
// Returns nullopt unless `text` is canonical.
std::optional<Bytes> from_base64(std::string_view text, Padding padding);
// Decodes into `to`. Returns false unless `text` is the canonical form of exactly `to.size()`
// bytes.
bool from_base64(std::string_view text, Padding padding, std::span<std::byte> to);

}  // namespace gw::seal

// Base64 with the standard alphabet (RFC 4648, section 4), and hex of secrets (base/bytes.h has hex
// of everything else).
//
// The base64 decoders accept only the canonical form: no line endings, no other characters, no
// stray bits, exactly the requested padding. Each byte string therefore has one accepted encoding,
// as age and SASL demand. Mail bodies need the tolerant decoder of mime/encoding.h.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/secret.h"

namespace gw {

// None: no `=` at all. Full: as many as the RFC demands.
enum class Padding : unsigned char { None, Full };

// Returns the encoding of `data`, without a line ending.
std::string to_base64(ByteView data, Padding padding = Padding::Full);
// Returns nullopt unless `text` is canonical. The empty text encodes the empty string.
std::optional<Bytes> from_base64(std::string_view text, Padding padding = Padding::Full);
// Decodes into `to`. Returns false unless `text` is the canonical form of exactly `to.size()`
// bytes.
bool from_base64(std::string_view text, Padding padding, std::span<std::byte> to);

// Do the same, with full padding, for passwords and keys: the result is only ever in the Secret.
Secret to_base64_secret(ByteView data);
std::optional<Secret> from_base64_secret(std::string_view text);
// Returns two lower-case hex digits for each byte.
Secret to_hex_secret(ByteView data);

}  // namespace gw

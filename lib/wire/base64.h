// Base64 (RFC 4648 section 4), in its strict form: with padding, and without line endings, other
// characters or nonzero unused bits. SASL exchanges use it; mail bodies need the tolerant decoder
// of mime/encoding.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/secret.h"

namespace gw::wire {

// Returns the encoded text, without line endings.
std::string base64_encode(ByteView data);
// Does the same for a password or a token: the result is only ever in the Secret.
Secret base64_encode_secret(ByteView data);

// Returns nullopt unless `text` is canonical base64: each byte string has exactly one accepted
// encoding. The empty text encodes the empty string.
// The text may hold a password: the decoded bytes are only ever in the Secret.
std::optional<Secret> base64_decode_secret(std::string_view text);

}  // namespace gw::wire

// Parses an age header (age-encryption.org/v1, "Header"), and writes files with several recipients.
// Private to seal.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/result.h"
#include "base/secret.h"
#include "seal/keypair.h"

namespace gw::seal {

// One recipient of the file.
struct Stanza {
  std::vector<std::string_view> arguments;  // the first is the type
  Bytes body;
};

// The parsed header. Nothing in it is authenticated until its MAC was checked with the file key.
struct Header {
  std::vector<Stanza> stanzas;
  std::string_view signed_part;  // the bytes that the MAC covers, including the `---`
  Digest mac{};
  std::size_t size = 0;  // length of the header
};

// Returns nullopt if `prefix` does not begin with a header that age allows. The views in the result
// point into `prefix`.
std::optional<Header> parse_header(std::string_view prefix);

// Returns an age file that the key of each of `recipients` opens. Each of `labels`, arguments of a
// stanza with spaces between them, becomes a stanza without a body. age ignores it like a stanza for
// another recipient; the MAC covers it. Fails with BadInput if there is no recipient, or if one is a
// point of low order.
Result<Bytes> seal_file(const Secret& plain, std::span<const PublicKey> recipients,
                        std::span<const std::string> labels);

}  // namespace gw::seal

#include "seal/keypair.h"

#include <sodium.h>

#include <algorithm>

#include "base/text.h"
#include "seal/bech32.h"

namespace gw::seal {
namespace {

constexpr std::string_view kRecipientPrefix = "age";
constexpr std::string_view kIdentityPrefix = "age-secret-key-";

}  // namespace

SecretKey generate_key() {
  // Any 32 bytes are a valid key: X25519 clamps the scalar when it is used (RFC 7748, section 5).
  SecretKey key{Secret(crypto_scalarmult_SCALARBYTES)};
  random_bytes(key.scalar.span());
  return key;
}

PublicKey public_key(const SecretKey& key) {
  start_sodium();
  PublicKey result{};
  crypto_scalarmult_base(as_uchar(result.data()), as_uchar(key.scalar.view().data()));
  return result;
}

std::string recipient(const PublicKey& key) {
  return std::string(to_bech32(kRecipientPrefix, key).text());
}

Result<PublicKey> parse_recipient(std::string_view text) {
  const std::optional<Secret> data = from_bech32(kRecipientPrefix, text);
  PublicKey key{};
  // age's own parser accepts recipients in lower case only.
  if (!data || data->size() != key.size() || lower(text) != text)
    return Error(Code::BadInput, "not a valid age1… recipient");
  std::ranges::copy(data->view(), key.begin());
  return key;
}

Secret identity(const SecretKey& key) {
  Secret text = to_bech32(kIdentityPrefix, key.scalar.view());
  // Identities are upper case. Clearing bit 5 does that in place, without a copy of the secret.
  for (std::byte& byte : text.span())
    if (byte >= std::byte{'a'} && byte <= std::byte{'z'}) byte &= std::byte{0xdf};
  return text;
}

Result<SecretKey> parse_identity(std::string_view text) {
  std::optional<Secret> data = from_bech32(kIdentityPrefix, text);
  const bool has_lower = std::any_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  if (!data || data->size() != crypto_scalarmult_SCALARBYTES || has_lower)
    return Error(Code::BadInput, "not a valid AGE-SECRET-KEY-1… identity");
  return SecretKey{std::move(*data)};
}

Result<SecretKey> read_identity_file(std::string_view text) {
  for (std::string_view line : split(text, '\n')) {
    line = trim(line);
    if (line.empty() || line.front() == '#') continue;
    return parse_identity(line);
  }
  return Error(Code::BadInput, "the file has no identity");
}

RingKey ring_key(std::uint32_t generation, SecretKey secret) {
  return RingKey{generation, public_key(secret), std::move(secret)};
}

const RingKey* KeyRing::find(std::uint32_t generation) const {
  const auto at = std::ranges::find(keys, generation, &RingKey::generation);
  return at == keys.end() ? nullptr : &*at;
}

}  // namespace gw::seal

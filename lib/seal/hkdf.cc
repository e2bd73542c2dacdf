#include "seal/hkdf.h"

#include <sodium.h>

namespace gw::seal {
namespace {

void hmac_into(std::span<std::byte, 32> to, ByteView key, std::initializer_list<ByteView> parts) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, as_uchar(key.data()), key.size());
  for (ByteView part : parts) crypto_auth_hmacsha256_update(&state, as_uchar(part.data()), part.size());
  crypto_auth_hmacsha256_final(&state, as_uchar(to.data()));
  sodium_memzero(&state, sizeof state);
}

}  // namespace

Key hkdf(ByteView key_material, ByteView salt, std::string_view info) {
  // An absent salt is a string of zeros, and HMAC pads its key with zeros: the empty key is the same.
  static constexpr std::byte kFirstBlock{1};
  Key extracted;
  hmac_into(extracted.span(), salt, {key_material});
  Key derived;
  hmac_into(derived.span(), extracted.view(), {as_bytes(info), {&kFirstBlock, 1}});
  return derived;
}

Digest hmac(ByteView key, std::initializer_list<ByteView> parts) {
  Digest digest;
  hmac_into(digest, key, parts);
  return digest;
}

}  // namespace gw::seal

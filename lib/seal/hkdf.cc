#include "seal/hkdf.h"

#include <algorithm>
#include <array>

namespace gw::seal {
namespace {

// Block length of SHA-256.
constexpr std::size_t kBlock = 64;

// Implemented here because base's SHA-256 uses the processor's own instructions and libsodium's
// does not. Each message needs several of these.
void hmac_into(std::span<std::byte, 32> to, ByteView key, std::initializer_list<ByteView> parts) {
  // Creating a hash object allocates memory in OpenSSL, so each thread keeps one.
  thread_local Sha256 hash;
  std::array<std::byte, kBlock> pad{};
  if (key.size() > kBlock) {
    std::ranges::copy(hash.update(key).finish(), pad.begin());
  } else {
    std::ranges::copy(key, pad.begin());
  }
  // ipad is 0x36 and opad 0x5c (RFC 2104); the second loop turns one into the other.
  for (std::byte& byte : pad) byte ^= std::byte{0x36};
  hash.update(pad);
  for (ByteView part : parts) hash.update(part);
  Digest inner = hash.finish();
  for (std::byte& byte : pad) byte ^= std::byte{0x36 ^ 0x5c};
  Digest outer = hash.update(pad).update(inner).finish();
  std::ranges::copy(outer, to.begin());
  // All three can depend on a key.
  wipe(pad);
  wipe(inner);
  wipe(outer);
}

}  // namespace

Key hkdf(ByteView key_material, ByteView salt, std::string_view info) {
  // RFC 5869 replaces an absent salt by zeros of the hash length. HMAC pads its key with zeros, so
  // an empty key gives the same result. 32 bytes are one block, so only T(1) is needed.
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

#include "seal/hkdf.h"

#include <algorithm>
#include <array>

namespace gw::seal {
namespace {

constexpr std::size_t kBlock = 64;

// base's SHA-256 uses the processor's own instructions, which libsodium's does not: several of these are made
// for each message.
void hmac_into(std::span<std::byte, 32> to, ByteView key, std::initializer_list<ByteView> parts) {
  thread_local Sha256 hash;
  std::array<std::byte, kBlock> pad{};
  if (key.size() > kBlock) {
    std::ranges::copy(hash.update(key).finish(), pad.begin());
  } else {
    std::ranges::copy(key, pad.begin());
  }
  for (std::byte& octet : pad) octet ^= std::byte{0x36};
  hash.update(pad);
  for (ByteView part : parts) hash.update(part);
  Digest inner = hash.finish();
  for (std::byte& octet : pad) octet ^= std::byte{0x36 ^ 0x5c};
  Digest outer = hash.update(pad).update(inner).finish();
  std::ranges::copy(outer, to.begin());
  wipe(pad);
  wipe(inner);
  wipe(outer);
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

#include "seal/base64.h"

#include <sodium.h>

#include <algorithm>

namespace gw::seal {
namespace {

int variant(Padding padding) {
  return padding == Padding::Full ? sodium_base64_VARIANT_ORIGINAL
                                  : sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
}

}  // namespace

std::string to_base64(ByteView octets, Padding padding) {
  std::string text(sodium_base64_encoded_len(octets.size(), variant(padding)), '\0');
  sodium_bin2base64(text.data(), text.size(), as_uchar(octets.data()), octets.size(), variant(padding));
  text.pop_back();  // the terminating zero byte
  return text;
}

// libsodium's decoder (1.0.18) accepts some bytes above 0x7f as digits. The result is therefore
// encoded again: if that does not reproduce the text, it is not canonical.
std::optional<Bytes> from_base64(std::string_view text, Padding padding) {
  Bytes octets(text.size() / 4 * 3 + 3);
  std::size_t size = 0;
  if (sodium_base642bin(as_uchar(octets.data()), octets.size(), text.data(), text.size(), nullptr, &size,
                        nullptr, variant(padding)) != 0)
    return std::nullopt;
  octets.resize(size);
  if (to_base64(octets, padding) != text) return std::nullopt;
  return octets;
}

bool from_base64(std::string_view text, Padding padding, std::span<std::byte> to) {
  const std::optional<Bytes> octets = from_base64(text, padding);
  if (!octets || octets->size() != to.size()) return false;
  std::ranges::copy(*octets, to.begin());
  return true;
}

}  // namespace gw::seal

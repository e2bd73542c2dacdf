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

std::string to_base64(ByteView data, Padding padding) {
  std::string text(sodium_base64_encoded_len(data.size(), variant(padding)), '\0');
  sodium_bin2base64(text.data(), text.size(), as_uchar(data.data()), data.size(), variant(padding));
  text.pop_back();  // the terminating zero byte
  return text;
}

// libsodium's decoder (1.0.18) accepts some bytes above 0x7f as digits. The result is therefore
// encoded again: if that does not reproduce the text, it is not canonical.
std::optional<Bytes> from_base64(std::string_view text, Padding padding) {
  Bytes data(text.size() / 4 * 3 + 3);
  std::size_t size = 0;
  if (sodium_base642bin(as_uchar(data.data()), data.size(), text.data(), text.size(), nullptr, &size, nullptr,
                        variant(padding)) != 0)
    return std::nullopt;
  data.resize(size);
  if (to_base64(data, padding) != text) return std::nullopt;
  return data;
}

bool from_base64(std::string_view text, Padding padding, std::span<std::byte> to) {
  const std::optional<Bytes> data = from_base64(text, padding);
  if (!data || data->size() != to.size()) return false;
  std::ranges::copy(*data, to.begin());
  return true;
}

}  // namespace gw::seal

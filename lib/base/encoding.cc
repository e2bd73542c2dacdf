#include "base/encoding.h"

#include <sodium.h>

#include <algorithm>

namespace gw {
namespace {

int variant(Padding padding) {
  return padding == Padding::Full ? sodium_base64_VARIANT_ORIGINAL
                                  : sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
}

// Encodes into `to`, which has room for the text and a terminating zero byte.
void encode(ByteView data, Padding padding, std::span<char> to) {
  sodium_bin2base64(to.data(), to.size(), as_uchar(data.data()), data.size(), variant(padding));
}

std::size_t decoded_room(std::string_view text) {
  return text.size() / 4 * 3 + 3;
}

// Decodes into `to`, which has decoded_room(). libsodium's decoder (1.0.18) accepts some bytes above
// 0x7f as digits, so the caller encodes the result again: if that does not reproduce the text, it is
// not canonical.
std::optional<std::size_t> decode(std::string_view text, Padding padding, std::span<std::byte> to) {
  std::size_t size = 0;
  if (sodium_base642bin(as_uchar(to.data()), to.size(), text.data(), text.size(), nullptr, &size, nullptr,
                        variant(padding)) != 0)
    return std::nullopt;
  return size;
}

std::span<char> chars(Secret& secret) {
  return {reinterpret_cast<char*>(secret.span().data()), secret.size()};
}

}  // namespace

std::string to_base64(ByteView data, Padding padding) {
  std::string text(sodium_base64_encoded_len(data.size(), variant(padding)), '\0');
  encode(data, padding, text);
  text.pop_back();  // the terminating zero byte
  return text;
}

std::optional<Bytes> from_base64(std::string_view text, Padding padding) {
  Bytes data(decoded_room(text));
  const auto size = decode(text, padding, data);
  if (!size) return std::nullopt;
  data.resize(*size);
  if (to_base64(data, padding) != text) return std::nullopt;
  return data;
}

bool from_base64(std::string_view text, Padding padding, std::span<std::byte> to) {
  const std::optional<Bytes> data = from_base64(text, padding);
  if (!data || data->size() != to.size()) return false;
  std::ranges::copy(*data, to.begin());
  return true;
}

Secret to_base64_secret(ByteView data) {
  Secret text(sodium_base64_encoded_len(data.size(), variant(Padding::Full)));
  encode(data, Padding::Full, chars(text));
  text.shorten(text.size() - 1);
  return text;
}

std::optional<Secret> from_base64_secret(std::string_view text) {
  Secret data(decoded_room(text));
  const auto size = decode(text, Padding::Full, data.span());
  if (!size) return std::nullopt;
  data.shorten(*size);
  if (!equal_secrets(to_base64_secret(data.view()).view(), as_bytes(text))) return std::nullopt;
  return data;
}

Secret to_hex_secret(ByteView data) {
  Secret text(data.size() * 2 + 1);
  sodium_bin2hex(chars(text).data(), text.size(), as_uchar(data.data()), data.size());
  text.shorten(data.size() * 2);
  return text;
}

}  // namespace gw

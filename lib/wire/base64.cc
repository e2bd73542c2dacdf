#include "wire/base64.h"

#include <array>

namespace gw::wire {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr unsigned kNoDigit = 64;

constexpr std::array<unsigned char, 256> kDigits = [] {
  std::array<unsigned char, 256> digits{};
  digits.fill(kNoDigit);
  for (unsigned i = 0; i < 64; ++i)
    digits[static_cast<unsigned char>(kAlphabet[i])] = static_cast<unsigned char>(i);
  return digits;
}();

// Returns the decoded size; nullopt if the length of `text` is no multiple of 4. Padding inside the
// text is found later, because `=` is no digit.
std::optional<std::size_t> decoded_size(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  if (text.ends_with("=")) ++padding;
  if (text.ends_with("==")) ++padding;
  return text.size() / 4 * 3 - padding;
}

std::size_t encoded_size(std::size_t size) {
  return (size + 2) / 3 * 4;
}

void encode(ByteView data, std::span<std::byte> to) {
  std::size_t filled = 0;
  for (std::size_t i = 0; i < data.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(data.size() - i, 3);
    unsigned group = 0;
    for (std::size_t j = 0; j < 3; ++j)
      group = group << 8 | (j < count ? std::to_integer<unsigned>(data[i + j]) : 0);
    for (std::size_t j = 0; j < 4; ++j)
      to[filled++] = static_cast<std::byte>(j > count ? '=' : kAlphabet[group >> (18 - 6 * j) & 63]);
  }
}

bool decode(std::string_view text, std::span<std::byte> to) {
  std::size_t filled = 0;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const std::size_t size = std::min<std::size_t>(to.size() - filled, 3);
    unsigned group = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      const bool padding = j > size;
      const unsigned digit = padding ? 0 : kDigits[static_cast<unsigned char>(text[i + j])];
      if (digit == kNoDigit) return false;
      group = group << 6 | digit;
    }
    for (std::size_t j = 0; j < size; ++j)
      to[filled++] = static_cast<std::byte>(group >> (16 - 8 * j) & 0xff);
    // The last group has bits that no byte uses. They must be zero, or several texts would decode
    // to the same bytes (RFC 4648 section 3.5).
    const unsigned unused = size == 3 ? 0 : size == 2 ? 0xff : 0xffff;
    if ((group & unused) != 0) return false;
  }
  return true;
}

}  // namespace

std::string base64_encode(ByteView data) {
  std::string text(encoded_size(data.size()), '\0');
  encode(data, std::as_writable_bytes(std::span(text)));
  return text;
}

Secret base64_encode_secret(ByteView data) {
  Secret text(encoded_size(data.size()));
  encode(data, text.span());
  return text;
}

std::optional<Secret> base64_decode_secret(std::string_view text) {
  const auto size = decoded_size(text);
  if (!size) return std::nullopt;
  Secret data(*size);
  if (!decode(text, data.span())) return std::nullopt;
  return data;
}

}  // namespace gw::wire

#include "seal/bech32.h"

#include <algorithm>
#include <cstdint>

#include "base/text.h"

namespace gw::seal {
namespace {

constexpr std::string_view kAlphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::size_t kChecksum = 6;

// Adds one 5-bit value to the checksum (BIP 173, polymod).
std::uint32_t step(std::uint32_t sum, std::uint8_t value) {
  static constexpr std::uint32_t kGenerator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
  const std::uint32_t top = sum >> 25;
  sum = ((sum & 0x1ffffff) << 5) ^ value;
  for (unsigned i = 0; i < 5; ++i) sum ^= ((top >> i) & 1) != 0 ? kGenerator[i] : 0;
  return sum;
}

// Returns the checksum after the prefix, which contributes its high bits, a zero, and its low bits.
std::uint32_t prefix_sum(std::string_view prefix) {
  std::uint32_t sum = 1;
  for (char c : prefix) sum = step(sum, static_cast<std::uint8_t>(static_cast<unsigned char>(c) >> 5));
  sum = step(sum, 0);
  for (char c : prefix) sum = step(sum, static_cast<std::uint8_t>(c & 31));
  return sum;
}

}  // namespace

Secret to_bech32(std::string_view prefix, ByteView data) {
  const std::size_t digits = (data.size() * 8 + 4) / 5;
  Secret text(prefix.size() + 1 + digits + kChecksum);
  std::byte* at = std::copy_n(as_bytes(prefix).begin(), prefix.size(), text.span().data());
  *at++ = std::byte{'1'};

  std::uint32_t sum = prefix_sum(prefix);
  const auto put = [&](std::uint32_t value) { *at++ = static_cast<std::byte>(kAlphabet[value & 31]); };
  const auto put_data = [&](std::uint32_t value) {
    sum = step(sum, static_cast<std::uint8_t>(value & 31));
    put(value);
  };
  std::uint32_t bits = 0;
  unsigned count = 0;
  // Regroups 8-bit values into 5-bit values. The mask keeps the bits that are still needed, and
  // lets no others of the secret accumulate.
  for (std::byte byte : data) {
    bits = (bits << 8 | std::to_integer<std::uint32_t>(byte)) & 0xfff;
    for (count += 8; count >= 5; count -= 5) put_data(bits >> (count - 5));
  }
  if (count > 0) put_data(bits << (5 - count));
  for (std::size_t i = 0; i < kChecksum; ++i) sum = step(sum, 0);
  sum ^= 1;
  for (std::size_t i = 0; i < kChecksum; ++i) put(sum >> (5 * (kChecksum - 1 - i)));
  return text;
}

std::optional<Secret> from_bech32(std::string_view prefix, std::string_view text) {
  const bool has_lower = std::any_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  const bool has_upper = std::any_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  if (has_lower && has_upper) return std::nullopt;
  if (text.size() < prefix.size() + 1 + kChecksum || !istarts_with(text, prefix) ||
      text[prefix.size()] != '1')
    return std::nullopt;

  const std::string_view digits = text.substr(prefix.size() + 1);
  const std::size_t characters = digits.size() - kChecksum;
  // Five or more bits of padding are a whole superfluous character.
  if (characters * 5 % 8 >= 5) return std::nullopt;
  Secret data(characters * 5 / 8);
  std::byte* at = data.span().data();
  std::uint32_t sum = prefix_sum(lower(prefix));
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const std::size_t value = kAlphabet.find(lower(digits[i]));
    if (value == std::string_view::npos) return std::nullopt;
    sum = step(sum, static_cast<std::uint8_t>(value));
    // The last six characters are the checksum and carry no data.
    if (i >= characters) continue;
    bits = (bits << 5 | static_cast<std::uint32_t>(value)) & 0xfff;
    count += 5;
    if (count >= 8) {
      count -= 8;
      *at++ = static_cast<std::byte>(bits >> count & 0xff);
    }
  }
  // The padding bits must be zero, otherwise a key would have several encodings.
  if (sum != 1 || (bits & ((1u << count) - 1)) != 0) return std::nullopt;
  return data;
}

}  // namespace gw::seal

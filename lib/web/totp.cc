#include "web/totp.h"

#include <liboath/oath.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "web/http/http.h"

namespace gw::web {
namespace {

constexpr std::size_t kSecretOctets = 20;
constexpr unsigned kDigits = 6;
constexpr std::int64_t kNeighbours = 1;  // steps before and after the current one
constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

// Appends to a secret of fixed size, since a std::string would leave copies in ordinary memory.
void append(Secret& to, std::size_t& used, std::string_view text) {
  std::ranges::copy(as_bytes(text), to.span().begin() + static_cast<std::ptrdiff_t>(used));
  used += text.size();
}

}  // namespace

Secret generate_totp_secret() {
  Secret secret(kSecretOctets);
  random_bytes(secret.span());
  return secret;
}

Secret totp_text(const Secret& secret) {
  Secret text((secret.size() * 8 + 4) / 5);
  std::size_t used = 0;
  std::uint32_t bits = 0;
  int count = 0;
  const auto put = [&](std::uint32_t value) {
    text.span()[used++] = static_cast<std::byte>(kBase32[value & 31]);
  };
  for (const std::byte byte : secret.view()) {
    // Keeps the bits that are not yet written: at most 4 of the last byte and 8 new ones.
    bits = (bits << 8 | std::to_integer<std::uint32_t>(byte)) & 0xfff;
    for (count += 8; count >= 5; count -= 5) put(bits >> (count - 5));
  }
  // The last character is filled with zero bits; padding with `=` is left out, since apps reject
  // it.
  if (count > 0) put(bits << (5 - count));
  return text;
}

Secret totp_address(const Secret& secret, std::string_view issuer, std::string_view account) {
  const std::string before = "otpauth://totp/" + url_part(issuer) + ":" + url_part(account) + "?secret=";
  const std::string after = "&issuer=" + url_part(issuer);
  const Secret text = totp_text(secret);
  Secret address(before.size() + text.size() + after.size());
  std::size_t used = 0;
  append(address, used, before);
  append(address, used, text.text());
  append(address, used, after);
  return address;
}

std::string totp_code(const Secret& secret, std::int64_t step) {
  std::array<char, kDigits + 1> code{};
  const auto at = static_cast<std::time_t>(step * kTotpStep);
  const int done =
      ::oath_totp_generate(secret.text().data(), secret.size(), at, kTotpStep, 0, kDigits, code.data());
  return done == OATH_OK ? std::string(code.data(), kDigits) : std::string();
}

std::optional<std::int64_t> totp_step(const Secret& secret, std::string_view code, Micros now) {
  std::string digits;
  for (const char c : code)
    // Apps show the code as two groups of three digits, and some users type the space.
    if (c != ' ') digits += c;
  if (digits.size() != kDigits) return std::nullopt;
  const std::int64_t present = now / 1'000'000 / kTotpStep;
  std::optional<std::int64_t> found;
  // Compares all steps in constant time and does not stop at a match, so that the time of a refusal
  // reveals nothing.
  for (std::int64_t step = present - kNeighbours; step <= present + kNeighbours; ++step)
    if (equal_secrets(as_bytes(totp_code(secret, step)), as_bytes(digits))) found = step;
  return found;
}

}  // namespace gw::web

// Passwords and sender tokens: how they are generated and validated (vault/mailbox.h).
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "vault/mailbox.h"

namespace gw::vault {
namespace {

constexpr std::size_t kLength = 32;  // characters of 5 random bits each
constexpr std::size_t kShortest = 16;
constexpr std::size_t kMaxPassword = 1024;
// No letter that looks like another, and nothing that a shell, a URL or a configuration file
// interprets. 32 characters, so that a random byte modulo 32 has no bias.
constexpr std::string_view kAlphabet = "abcdefghijkmnpqrstuvwxyz23456789";
static_assert(kAlphabet.size() == 32);

Secret random_text() {
  Secret text(kLength);
  random_bytes(text.span());
  for (std::byte& byte : text.span())
    byte = static_cast<std::byte>(kAlphabet[std::to_integer<std::size_t>(byte) % kAlphabet.size()]);
  return text;
}

}  // namespace

Secret generate_password() {
  return random_text();
}

Secret generate_token() {
  return random_text();
}

Secret normal_password(const Secret& password) {
  const std::string_view text = password.text();
  if (!has_8bit(text) || !valid_utf8(text)) return password.clone();
  // Replacing spaces never lengthens the text, and NFC at most triples it (Unicode Standard Annex
  // 15). With this space provided, libunistring allocates nothing of its own, which would not be
  // wiped.
  const auto* from = reinterpret_cast<const std::uint8_t*>(text.data());
  Secret spaced(text.size());
  auto* to = reinterpret_cast<std::uint8_t*>(spaced.span().data());
  std::size_t size = 0;
  for (std::size_t at = 0; at < text.size();) {
    ucs4_t character = 0;
    const int read = u8_mbtouc(&character, from + at, text.size() - at);
    if (uc_is_general_category(character, UC_SPACE_SEPARATOR)) character = ' ';
    size +=
        static_cast<std::size_t>(u8_uctomb(to + size, character, static_cast<ptrdiff_t>(text.size() - size)));
    at += static_cast<std::size_t>(read);
  }
  Secret normal(3 * text.size());
  std::size_t room = normal.size();
  auto* into = reinterpret_cast<std::uint8_t*>(normal.span().data());
  std::uint8_t* result = u8_normalize(UNINORM_NFC, to, size, into, &room);
  // Only if memory is exhausted or the text is invalid; then the password is compared as typed.
  if (result == nullptr) return password.clone();
  // The library allocated a buffer after all. Copy the result to wiped memory and wipe the buffer
  // before freeing.
  if (result != into) {
    const auto made = std::as_writable_bytes(std::span(result, room));
    normal = Secret(made);
    wipe(made);
    std::free(result);
  }
  normal.shorten(room);
  return normal;
}

// Only generated tokens are accepted, since the stored hash is fast and a weak token could be
// guessed.
Result<void> check_token(const Secret& token) {
  if (token.size() == kLength && token.text().find_first_not_of(kAlphabet) == std::string_view::npos)
    return {};
  return Error(Code::BadInput, "a sender token must be one that gw generated");
}

// The label keeps this hash apart from any other hash over the same bytes.
Digest token_hash(const MailboxId& mailbox, ByteView token) {
  return Sha256().update(as_bytes("gw sender token v1")).update(mailbox.view()).update(token).finish();
}

bool token_matches(const store::MailboxRecord& mailbox, ByteView token) {
  return mailbox.token_hash && equal_secrets(token_hash(mailbox.id, token), *mailbox.token_hash);
}

Result<void> check_password(const Secret& password) {
  const std::string_view text = password.text();
  // Counts the first byte of each UTF-8 sequence.
  const auto characters =
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
  if (static_cast<std::size_t>(characters) < kShortest)
    return Error(Code::BadInput, "a password must have at least 16 characters");
  if (text.size() > kMaxPassword) return Error(Code::BadInput, "a password must have at most 1024 bytes");
  // An editor adds it to a file, and nobody can type it at a login.
  if (text.starts_with("\xef\xbb\xbf"))
    return Error(Code::BadInput, "a password must not begin with a byte order mark");
  // A mail client cannot send control characters in USER and PASS or AUTH PLAIN.
  if (has_control(text)) return Error(Code::BadInput, "a password must not have control characters");
  return {};
}

}  // namespace gw::vault

// Passwords and sender tokens: how they are made and what is asked of them.
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "vault/mailbox.h"

namespace gw::vault {
namespace {

constexpr std::size_t kLength = 32;  // of 5 bits each
constexpr std::size_t kShortest = 16;
constexpr std::size_t kMaxPassword = 1024;
// No letter that is taken for another, nothing that a shell, a URL or a configuration file gives a meaning.
constexpr std::string_view kAlphabet = "abcdefghijkmnpqrstuvwxyz23456789";
static_assert(kAlphabet.size() == 32);

Secret random_text() {
  Secret text(kLength);
  random_octets(text.span());
  for (std::byte& octet : text.span())
    octet = static_cast<std::byte>(kAlphabet[std::to_integer<std::size_t>(octet) % kAlphabet.size()]);
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
  const auto* from = reinterpret_cast<const std::uint8_t*>(text.data());
  // No character grows by a space, nor to more than three times its size by NFC. So the library uses this
  // memory and takes none of its own.
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
  if (result == nullptr) return password.clone();
  if (result != into) {
    const auto made = std::as_writable_bytes(std::span(result, room));
    normal = Secret(made);
    wipe(made);
    std::free(result);
  }
  normal.shorten(room);
  return normal;
}

Result<void> check_token(const Secret& token) {
  if (token.size() == kLength && token.text().find_first_not_of(kAlphabet) == std::string_view::npos)
    return {};
  return Error(Code::BadInput, "a sender token must be one that was generated here");
}

Digest token_hash(const MailboxId& mailbox, ByteView token) {
  return Sha256().update(as_bytes("gw sender token v1")).update(mailbox.view()).update(token).finish();
}

bool token_matches(const store::MailboxRecord& mailbox, ByteView token) {
  return mailbox.token_hash && equal_secrets(token_hash(mailbox.id, token), *mailbox.token_hash);
}

Result<void> check_password(const Secret& password) {
  const std::string_view text = password.text();
  // UTF-8's later octets are not characters of their own.
  const auto characters =
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
  if (static_cast<std::size_t>(characters) < kShortest)
    return Error(Code::BadInput, "a password must have at least 16 characters");
  if (text.size() > kMaxPassword) return Error(Code::BadInput, "a password must have at most 1024 octets");
  // A mail client cannot send these.
  if (has_control(text)) return Error(Code::BadInput, "a password must have no control characters");
  return {};
}

}  // namespace gw::vault

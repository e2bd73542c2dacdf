// Recovery slots: age files whose plaintext is an identity file.
#include <algorithm>
#include <array>
#include <cstdio>

#include "base/encoding.h"
#include "base/text.h"
#include "seal/age.h"
#include "seal/header.h"
#include "seal/slot.h"

namespace gw::seal {
namespace {

constexpr std::string_view kRecipientLabel = "gw-recipient";

// All lines have a fixed length, so that the size of the Secret is known before it is filled. Lines
// with `#` are comments for age:
//
//   # gw recovery slot 1
//   # vault 00112233445566778899aabbccddeeff
//   # mailbox 00112233445566778899aabbccddeeff
//   # generation 0000000001
//   AGE-SECRET-KEY-1…
constexpr std::string_view kFirstLine = "# gw recovery slot 1\n";
constexpr std::string_view kGenerationLabel = "# generation ";
constexpr std::size_t kGenerationDigits = 10;
constexpr std::size_t kIdentity = 74;  // length of AGE-SECRET-KEY-1…
constexpr std::size_t kEntry = kGenerationLabel.size() + kGenerationDigits + 1 + kIdentity + 1;

// Vault and mailbox are in the sealed text, so that a slot cannot be moved to another mailbox
// unnoticed.
std::string slot_preface(const SlotPlace& place) {
  return std::string(kFirstLine) + "# vault " + place.vault.hex() + "\n# mailbox " + place.mailbox.hex() +
         "\n";
}

Secret ring_text(const SlotPlace& place, const KeyRing& ring) {
  const std::string preface = slot_preface(place);
  Secret text(preface.size() + ring.keys.size() * kEntry);
  std::byte* at = std::ranges::copy(as_bytes(preface), text.span().data()).out;
  for (const RingKey& key : ring.keys) {
    std::array<char, kGenerationDigits + 1> number;
    (void)std::snprintf(number.data(), number.size(), "%010u", static_cast<unsigned>(key.generation));
    const Secret secret = identity(key.secret);
    at = std::ranges::copy(as_bytes(kGenerationLabel), at).out;
    at = std::ranges::copy(as_bytes({number.data(), kGenerationDigits}), at).out;
    *at++ = std::byte{'\n'};
    at = std::ranges::copy(secret.view(), at).out;
    *at++ = std::byte{'\n'};
  }
  return text;
}

// Accepts exactly what ring_text() writes.
Result<KeyRing> read_ring_text(const SlotPlace& place, std::string_view text) {
  const Error corrupt(Code::Corrupt, "not a recovery slot of this mailbox");
  const std::string preface = slot_preface(place);
  if (!text.starts_with(preface)) return corrupt;
  text.remove_prefix(preface.size());
  if (text.empty() || text.size() % kEntry != 0 || text.size() / kEntry > kMaxRing) return corrupt;
  KeyRing ring;
  for (; !text.empty(); text.remove_prefix(kEntry)) {
    std::string_view entry = text.substr(0, kEntry);
    if (!entry.starts_with(kGenerationLabel)) return corrupt;
    entry.remove_prefix(kGenerationLabel.size());
    const std::optional<std::uint64_t> number = parse_number(entry.substr(0, kGenerationDigits));
    if (!number || *number == 0 || *number > 0xffffffff || entry[kGenerationDigits] != '\n' ||
        entry.back() != '\n')
      return corrupt;
    Result<SecretKey> secret = parse_identity(entry.substr(kGenerationDigits + 1, kIdentity));
    // Generations must ascend, as in every ring.
    if (!secret || (!ring.keys.empty() && *number <= ring.keys.back().generation)) return corrupt;
    ring.keys.push_back(ring_key(static_cast<std::uint32_t>(*number), std::move(*secret)));
  }
  return ring;
}

}  // namespace

Result<Bytes> seal_recovery_slot(const SlotPlace& place, const KeyRing& ring,
                                 std::span<const PublicKey> recipients) {
  if (ring.keys.empty() || ring.keys.size() > kMaxRing)
    return Error(Code::BadInput, "the keys are not valid for a slot");
  std::vector<std::string> labels;
  for (const PublicKey& each : recipients)
    labels.push_back(std::string(kRecipientLabel) + " " +
                     to_base64(sha256(as_bytes(recipient(each))), Padding::None));
  return seal_file(ring_text(place, ring), recipients, labels);
}

Result<std::vector<Digest>> recovery_slot_recipients(ByteView slot) {
  const std::optional<Header> header = parse_header(as_text(slot));
  if (!header) return Error(Code::Corrupt, "not a recovery slot");
  std::vector<Digest> named;
  for (const Stanza& stanza : header->stanzas) {
    if (stanza.arguments.front() != kRecipientLabel) continue;
    Digest digest{};
    if (stanza.arguments.size() != 2 || !from_base64(stanza.arguments[1], Padding::None, digest))
      return Error(Code::Corrupt, "not a recovery slot");
    named.push_back(digest);
  }
  return named;
}

Result<KeyRing> open_recovery_slot(const SlotPlace& place, ByteView slot, const SecretKey& recovery) {
  // open_header() takes a ring; the generation of this one means nothing.
  std::array<RingKey, 1> keys{ring_key(1, SecretKey{recovery.scalar.clone()})};
  Secret text(slot.size());
  std::size_t size = 0;
  const Result<void> opened = open_file(slot, keys, [&](ByteView piece) {
    std::ranges::copy(piece, text.span().subspan(size).begin());
    size += piece.size();
  });
  // A slot is the vault's own data, so a malformed one is damage, not wrong input.
  if (!opened && opened.error().code() == Code::BadInput) return Error(Code::Corrupt, opened.error().text());
  if (!opened) return opened.error().within("cannot open the recovery slot");
  return read_ring_text(place, text.text().substr(0, size));
}

}  // namespace gw::seal

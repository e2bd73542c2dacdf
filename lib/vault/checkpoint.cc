#include "vault/checkpoint.h"

#include <algorithm>
#include <memory>

#include "base/encoding.h"
#include "base/text.h"
#include "seal/signature.h"

namespace gw::vault {
namespace {

constexpr std::string_view kOrigin = "gw/";
constexpr std::byte kEd25519{1};               // signature type of C2SP signed-note
constexpr std::string_view kDash = "\u2014 ";  // begins a signature line
constexpr std::size_t kMaxNote = 64 << 10;
constexpr std::size_t kKeyHash = 4;

Error not_a_note() {
  return Error(Code::BadInput, "not a signed checkpoint");
}
Error not_a_verifier() {
  return Error(Code::BadInput, "not a valid verifier key");
}

std::string name_of(const VaultId& vault) {
  return std::string(kOrigin) + vault.hex();
}

// Returns SHA-256(name || newline || type || key)[:4]. It tells which key made a signature if
// several keys have the same name.
std::array<std::byte, kKeyHash> key_hash(std::string_view name, const seal::VerifyKey& key) {
  const Digest digest =
      Sha256().update(as_bytes(name)).update(as_bytes("\n")).update({&kEd25519, 1}).update(key).finish();
  std::array<std::byte, kKeyHash> hash;
  std::copy_n(digest.begin(), kKeyHash, hash.begin());
  return hash;
}

Result<seal::SigningKey> signing_key(const Secret& history_key) {
  std::array<std::byte, 32> seed;
  const bool ok = from_hex(trim(history_key.text()), seed);
  if (!ok) return Error(Code::BadInput, "not a history key: 64 hex digits are expected");
  seal::SigningKey key(seed);
  wipe(seed);
  return key;
}

std::string note_text(const VaultId& vault, const store::LogHead& head) {
  return name_of(vault) + "\n" + std::to_string(head.size) + "\n" + to_base64(head.root) + "\n";
}

struct Verifier {
  std::string_view name;
  std::array<std::byte, kKeyHash> hash{};
  seal::VerifyKey key{};
};

// Parses `name+hash+base64(type || key)`. The hash is redundant; checking it detects a mistyped
// key.
std::optional<Verifier> parse_verifier(std::string_view text) {
  const std::size_t first = text.find('+');
  const std::size_t second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  Verifier verifier;
  verifier.name = text.substr(0, first);
  std::array<std::byte, 33> key;
  if (verifier.name.empty() || !from_hex(text.substr(first + 1, second - first - 1), verifier.hash) ||
      !from_base64(text.substr(second + 1), Padding::Full, key) || key[0] != kEd25519)
    return std::nullopt;
  std::copy(key.begin() + 1, key.end(), verifier.key.begin());
  if (key_hash(verifier.name, verifier.key) != verifier.hash) return std::nullopt;
  return verifier;
}

std::string verifier_text(const VaultId& vault, const seal::VerifyKey& key) {
  const std::string name = name_of(vault);
  Bytes typed{kEd25519};
  append(typed, key);
  return name + "+" + to_hex(key_hash(name, key)) + "+" + to_base64(typed);
}

std::optional<Checkpoint> parse_text(std::string_view text) {
  const std::vector<std::string_view> lines = split(text, '\n');  // last: after the last newline
  if (lines.size() < 4 || !lines[0].starts_with(kOrigin)) return std::nullopt;
  // Lines after the third are extensions (C2SP tlog-checkpoint). They are covered by the signature
  // and ignored, so that checkpoints of newer versions still verify. An empty line would end the
  // text and is not allowed.
  for (std::size_t i = 3; i + 1 < lines.size(); ++i)
    if (lines[i].empty()) return std::nullopt;
  // The comparisons with the canonical spelling below refuse a second spelling of the same
  // checkpoint, such as upper-case hex or a size with leading zeros.
  const std::optional<VaultId> vault = VaultId::parse(lines[0].substr(kOrigin.size()));
  const std::optional<std::uint64_t> size = parse_number(lines[1]);
  Checkpoint checkpoint;
  if (!vault || name_of(*vault) != lines[0] || !size || std::to_string(*size) != lines[1] ||
      !from_base64(lines[2], Padding::Full, checkpoint.head.root))
    return std::nullopt;
  checkpoint.vault = *vault;
  checkpoint.head.size = *size;
  return checkpoint;
}

struct SignatureLine {
  std::string_view name;
  std::array<std::byte, kKeyHash> hash{};
  seal::Signature signature{};
  bool ed25519 = false;  // has the length of an Ed25519 signature
};

// Parses one signature line of any type. A signature of another type is well-formed but not
// verified here.
std::optional<SignatureLine> parse_signature(std::string_view line) {
  if (!line.starts_with(kDash)) return std::nullopt;
  line.remove_prefix(kDash.size());
  const std::size_t blank = line.find(' ');
  if (blank == std::string_view::npos || blank == 0) return std::nullopt;
  const std::optional<Bytes> data = from_base64(line.substr(blank + 1), Padding::Full);
  if (!data || data->size() <= kKeyHash) return std::nullopt;
  SignatureLine result;
  result.name = line.substr(0, blank);
  std::copy_n(data->begin(), kKeyHash, result.hash.begin());
  result.ed25519 = data->size() == kKeyHash + result.signature.size();
  if (result.ed25519) std::copy(data->begin() + kKeyHash, data->end(), result.signature.begin());
  return result;
}

}  // namespace

Secret generate_history_key() {
  Secret seed(32);
  random_bytes(seed.span());
  return to_hex_secret(seed.view());
}

Result<store::Signer> make_signer(const Secret& history_key) {
  Result<seal::SigningKey> key = signing_key(history_key);
  if (!key) return key.error();
  // std::function requires a copyable target, and a signing key is not copyable.
  const auto shared = std::make_shared<const seal::SigningKey>(std::move(*key));
  store::Signer signer;
  signer.sign = [shared](const VaultId& vault, const store::LogHead& head) -> Result<std::string> {
    const std::string name = name_of(vault);
    const std::string text = note_text(vault, head);
    Bytes signature = to_bytes(key_hash(name, shared->verify_key()));
    append(signature, shared->sign(as_bytes(text)));
    return text + "\n" + std::string(kDash) + name + " " + to_base64(signature) + "\n";
  };
  signer.verifier = [shared](const VaultId& vault) { return verifier_text(vault, shared->verify_key()); };
  return signer;
}

std::string verifier_key(const Secret& history_key, const VaultId& vault) {
  const Result<seal::SigningKey> key = signing_key(history_key);
  return key ? verifier_text(vault, key->verify_key()) : std::string();
}

Result<Checkpoint> open_checkpoint(std::string_view note, std::string_view verifier) {
  const std::optional<Verifier> key = parse_verifier(trim(verifier));
  if (!key) return not_a_verifier();
  if (note.size() > kMaxNote || !valid_utf8(note)) return not_a_note();
  // The text ends with its last newline. An empty line and the signatures follow. Extensions
  // contain no empty line, so the last empty line is the border.
  const std::size_t border = note.rfind("\n\n");
  if (border == std::string_view::npos || !note.ends_with('\n')) return not_a_note();
  const std::string_view text = note.substr(0, border + 1);
  const std::string_view signatures = note.substr(border + 2);
  if (signatures.empty()) return not_a_note();
  const std::optional<Checkpoint> checkpoint = parse_text(text);
  if (!checkpoint) return not_a_note();

  bool signed_by_key = false;
  for (std::string_view line : split(signatures.substr(0, signatures.size() - 1), '\n')) {
    const std::optional<SignatureLine> signature = parse_signature(line);
    if (!signature) return not_a_note();
    // Other keys may sign the same note, for instance those of a witness (C2SP tlog-witness).
    if (signature->name != key->name || signature->hash != key->hash) continue;
    if (!signature->ed25519 || !seal::verify(key->key, as_bytes(text), signature->signature))
      return Error(Code::Corrupt, "the checkpoint's signature is wrong");
    signed_by_key = true;
  }
  if (!signed_by_key) return Error(Code::Corrupt, "the checkpoint is not signed with this key");
  // The origin line and the verifier key name the same log (C2SP tlog-checkpoint): one key signs
  // one vault.
  if (name_of(checkpoint->vault) != key->name)
    return Error(Code::Corrupt, "the checkpoint belongs to another vault");
  return *checkpoint;
}

}  // namespace gw::vault

#include "seal/age.h"

#include <sodium.h>

#include <algorithm>
#include <optional>

#include "base/encoding.h"
#include "seal/header.h"
#include "seal/hkdf.h"

namespace gw::seal {
namespace {

// Constants of age's X25519 recipient type.
constexpr std::string_view kWrapInfo = "age-encryption.org/v1/X25519";
constexpr std::size_t kWrappedKey = FileKey::size() + kTag;
constexpr unsigned char kZeroNonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES] = {};

// The MAC covers the header up to the `---`, without the space that follows.
Digest header_mac(const FileKey& file_key, std::string_view signed_part) {
  return hmac(hkdf(file_key.view(), {}, "header").view(), {as_bytes(signed_part)});
}

// Derives the key that wraps the file key, from a Diffie-Hellman exchange of `scalar` and `point`.
// Returns nullopt if the shared secret is zero, which a share of low order causes: such a key is
// public. age demands the check.
std::optional<Key> wrap_key(const unsigned char* scalar, const unsigned char* point, ByteView share,
                            const PublicKey& recipient) {
  Key shared;
  if (crypto_scalarmult(as_uchar(shared.span().data()), scalar, point) != 0) return std::nullopt;
  std::array<std::byte, 64> salt;
  std::ranges::copy(recipient, std::ranges::copy(share, salt.begin()).out);
  return hkdf(shared.view(), salt, kWrapInfo);
}

// A view into a Stanza, which must outlive it.
struct X25519Stanza {
  PublicKey share{};
  std::span<const std::byte> wrapped;
};

// Returns nullopt for an X25519 stanza that is malformed. age then rejects the whole header, not
// only the stanza.
std::optional<X25519Stanza> read_x25519(const Stanza& stanza) {
  X25519Stanza result;
  if (stanza.arguments.size() != 2 || !from_base64(stanza.arguments[1], Padding::None, result.share) ||
      stanza.body.size() != kWrappedKey)
    return std::nullopt;
  result.wrapped = stanza.body;
  return result;
}

// Returns the stanza that wraps the file key for `recipient`, with `ephemeral`, a random key that is
// used only once. Fails with BadInput if the recipient is a point of low order.
Result<std::string> x25519_stanza(const FileKey& file_key, const Key& ephemeral, const PublicKey& recipient) {
  PublicKey share{};
  crypto_scalarmult_base(as_uchar(share.data()), as_uchar(ephemeral.view().data()));
  const std::optional<Key> wrap =
      wrap_key(as_uchar(ephemeral.view().data()), as_uchar(recipient.data()), share, recipient);
  if (!wrap) return Error(Code::BadInput, "the public key has a low order");

  std::array<std::byte, kWrappedKey> wrapped;
  // A constant nonce is safe here: the wrap key is derived from a new ephemeral key and used once.
  crypto_aead_chacha20poly1305_ietf_encrypt(as_uchar(wrapped.data()), nullptr,
                                            as_uchar(file_key.view().data()), FileKey::size(), nullptr, 0,
                                            nullptr, kZeroNonce, as_uchar(wrap->view().data()));
  return "-> X25519 " + to_base64(share, Padding::None) + "\n" + to_base64(wrapped, Padding::None) + "\n";
}

// Returns the header with these stanzas and its MAC.
std::string header_of(const FileKey& file_key, const std::string& stanzas) {
  std::string text = "age-encryption.org/v1\n" + stanzas + "---";
  text += " " + to_base64(header_mac(file_key, text), Padding::None) + "\n";
  return text;
}

}  // namespace

std::uint64_t chunk_count(std::uint64_t plain_size) {
  return plain_size == 0 ? 1 : (plain_size - 1) / kChunk + 1;
}

std::uint64_t container_size(std::uint64_t plain_size) {
  return kHeader + plain_size + chunk_count(plain_size) * kTag;
}

Result<Sealer> Sealer::begin(const PublicKey& recipient) {
  start_sodium();
  // One request for all random bytes, because each is a system call.
  StackSecret<FileKey::size() + Key::size() + kNonce> drawn;
  random_bytes(drawn.span());
  FileKey file_key;
  Key ephemeral;
  std::array<std::byte, kNonce> nonce;
  ByteReader parts(drawn.view());
  parts.copy(file_key.span());
  parts.copy(ephemeral.span());
  parts.copy(nonce);
  const Result<std::string> stanza = x25519_stanza(file_key, ephemeral, recipient);
  if (!stanza) return stanza.error();
  const std::string text = header_of(file_key, *stanza);

  std::array<std::byte, kHeader> header;
  std::ranges::copy(nonce, std::ranges::copy(as_bytes(text).first(kHeader - kNonce), header.begin()).out);
  ChunkCipher cipher(ChunkCipher::Way::Seal, file_key, nonce);
  return Sealer(std::move(file_key), header, std::move(cipher));
}

Result<OpenedHeader> open_header(ByteView prefix, std::span<const RingKey> keys, Shape shape) {
  const std::optional<Header> header = parse_header(as_text(prefix));
  if (!header || prefix.size() < header->size + kNonce) return Error(Code::BadInput, "not an age header");
  if (shape == Shape::Own && header->stanzas.size() != 1)
    return Error(Code::BadInput, "the age header must have exactly one recipient");

  std::optional<FileKey> file_key;
  for (const Stanza& stanza : header->stanzas) {
    // Stanzas of other types may be meant for other recipients, so they are not an error for
    // Shape::Any.
    if (stanza.arguments.front() != "X25519") {
      if (shape == Shape::Own) return Error(Code::BadInput, "the age header has a recipient of another type");
      continue;
    }
    const std::optional<X25519Stanza> x25519 = read_x25519(stanza);
    if (!x25519) return Error(Code::BadInput, "not a valid X25519 stanza");
    // The loop over the stanzas continues after a key has matched, so that a malformed stanza later
    // in the header is still an error. Only the MAC proves afterwards that the header is unaltered.
    for (const RingKey& key : keys) {
      if (file_key) break;
      const std::optional<Key> wrap =
          wrap_key(as_uchar(key.secret.scalar.view().data()), as_uchar(x25519->share.data()), x25519->share,
                   key.public_half);
      if (!wrap) return Error(Code::BadInput, "the X25519 share has a low order");
      FileKey opened;
      if (crypto_aead_chacha20poly1305_ietf_decrypt(as_uchar(opened.span().data()), nullptr, nullptr,
                                                    as_uchar(x25519->wrapped.data()), kWrappedKey, nullptr, 0,
                                                    kZeroNonce, as_uchar(wrap->view().data())) == 0)
        file_key = std::move(opened);
    }
  }
  if (!file_key) return Error(Code::Denied, "sealed to another key");
  if (!equal_secrets(header_mac(*file_key, header->signed_part), header->mac))
    return Error(Code::Corrupt, "the age header has a wrong MAC");
  return OpenedHeader{std::move(*file_key), header->size};
}

Result<ByteView> Opener::open(std::uint64_t number, bool last, std::span<std::byte> sealed) {
  if (sealed.size() < kTag || sealed.size() > kSealedChunk || (!last && sealed.size() != kSealedChunk))
    return Error(Code::Corrupt, "a chunk has the wrong size");
  // Only the empty message has an empty last chunk. Otherwise a message of n full chunks would have
  // two valid containers.
  if (sealed.size() == kTag && number != 0) return Error(Code::Corrupt, "the last chunk is empty");
  if (!cipher_.open(number, last, sealed)) return Error(Code::Corrupt, "a chunk was altered");
  return ByteView(sealed.first(sealed.size() - kTag));
}

Result<void> open_file(ByteView file, std::span<const RingKey> keys,
                       const std::function<void(ByteView)>& sink) {
  const Result<OpenedHeader> header = open_header(file, keys, Shape::Any);
  if (!header) return header.error();
  Opener opener(header->file_key, file.subspan(header->size).first<kNonce>());
  ByteView rest = file.subspan(header->size + kNonce);
  Secret chunk(kSealedChunk);
  for (std::uint64_t number = 0;; ++number) {
    const ByteView sealed = rest.first(std::min(rest.size(), kSealedChunk));
    rest = rest.subspan(sealed.size());
    std::ranges::copy(sealed, chunk.span().begin());
    const Result<ByteView> plain = opener.open(number, rest.empty(), chunk.span().first(sealed.size()));
    if (plain) {
      sink(*plain);
      if (rest.empty()) return {};
      continue;
    }
    // The chunk does not open as expected. If it opens with the opposite mark, the file is
    // truncated, or has bytes after its last chunk. The chunk itself is then genuine and passed on
    // before the error, as age's published test vectors demand. The bytes are copied again, because
    // a failed open() wipes them.
    std::ranges::copy(sealed, chunk.span().begin());
    const Result<ByteView> other = opener.open(number, !rest.empty(), chunk.span().first(sealed.size()));
    if (!other) return plain.error();
    sink(*other);
    return Error(Code::Corrupt,
                 rest.empty() ? "the last chunk is missing" : "there are bytes after the last chunk");
  }
}

Result<Bytes> seal_file(const Secret& plain, const PublicKey& recipient) {
  return seal_file(plain, std::span(&recipient, 1), {});
}

Result<Bytes> seal_file(const Secret& plain, std::span<const PublicKey> recipients,
                        std::span<const std::string> labels) {
  if (recipients.empty()) return Error(Code::BadInput, "there is no recipient");
  start_sodium();
  FileKey file_key;
  random_bytes(file_key.span());
  std::array<std::byte, kNonce> nonce;
  random_bytes(nonce);
  std::string stanzas;
  for (const PublicKey& recipient : recipients) {
    Key ephemeral;
    random_bytes(ephemeral.span());
    const Result<std::string> stanza = x25519_stanza(file_key, ephemeral, recipient);
    if (!stanza) return stanza.error();
    stanzas += *stanza;
  }
  for (const std::string& label : labels) stanzas += "-> " + label + "\n\n";
  const std::string header = header_of(file_key, stanzas);
  Bytes file = to_bytes(header);
  append(file, nonce);
  file.reserve(file.size() + plain.size() + chunk_count(plain.size()) * kTag);
  ChunkCipher cipher(ChunkCipher::Way::Seal, file_key, nonce);
  Secret chunk(std::min(plain.size(), kChunk) + kTag);
  ByteView rest = plain.view();
  std::uint64_t number = 0;
  // The loop runs once for an empty plaintext, which has one empty chunk.
  do {
    const ByteView now = rest.first(std::min(rest.size(), kChunk));
    rest = rest.subspan(now.size());
    const std::span<std::byte> sealed = chunk.span().first(now.size() + kTag);
    std::ranges::copy(now, sealed.begin());
    cipher.seal(number++, rest.empty(), sealed);
    append(file, sealed);
  } while (!rest.empty());
  return file;
}

}  // namespace gw::seal

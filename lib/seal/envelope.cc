#include "seal/envelope.h"

#include <sodium.h>

#include <algorithm>

namespace gw::seal {
namespace {

constexpr std::string_view kLabel = "gw envelope v1";
constexpr std::size_t kEnvelopeNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kEnvelopeTag = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(kEnvelopeNonce + kEnvelopeTag == kEnvelopeOverhead);

// The layout is part of the vault's format (gw-vault(7)). The label comes first, so that the bytes
// cannot be confused with those of another use of the key.
Bytes associated_data(const EnvelopePlace& place) {
  ByteWriter out;
  out.text(kLabel).bytes(place.vault.view()).bytes(place.mailbox.view()).bytes(place.message.view());
  out.u32(place.generation).u64(static_cast<std::uint64_t>(place.received));
  out.u64(place.size).u64(place.wire_size).bytes(place.container);
  return out.take();
}

}  // namespace

Bytes seal_envelope(const FileKey& file_key, const EnvelopePlace& place, ByteView plain) {
  const Key key = hkdf(file_key.view(), place.message.view(), kLabel);
  const Bytes aad = associated_data(place);
  Bytes sealed(kEnvelopeOverhead + plain.size());
  // A random nonce of 24 bytes is safe for any number of envelopes, even if an envelope is sealed
  // again under the same key.
  random_bytes(std::span(sealed).first(kEnvelopeNonce));
  crypto_aead_xchacha20poly1305_ietf_encrypt(
      as_uchar(sealed.data() + kEnvelopeNonce), nullptr, as_uchar(plain.data()), plain.size(),
      as_uchar(aad.data()), aad.size(), nullptr, as_uchar(sealed.data()), as_uchar(key.view().data()));
  return sealed;
}

Result<Bytes> open_envelope(const FileKey& file_key, const EnvelopePlace& place, ByteView sealed) {
  // One error for all causes: an envelope that does not open cannot tell which.
  const Error corrupt(Code::Corrupt, "the envelope does not belong to this message");
  if (sealed.size() < kEnvelopeOverhead) return corrupt;
  const Key key = hkdf(file_key.view(), place.message.view(), kLabel);
  const Bytes aad = associated_data(place);
  Bytes plain(sealed.size() - kEnvelopeOverhead);
  const ByteView body = sealed.subspan(kEnvelopeNonce);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          as_uchar(plain.data()), nullptr, nullptr, as_uchar(body.data()), body.size(), as_uchar(aad.data()),
          aad.size(), as_uchar(sealed.data()), as_uchar(key.view().data())) != 0)
    return corrupt;
  return plain;
}

Key commitment_key(const FileKey& file_key) {
  return hkdf(file_key.view(), {}, "gw commitment v1");
}

Digest commitment(ByteView commitment_key, const Digest& raw_sha256) {
  return hmac(commitment_key, {raw_sha256});
}

}  // namespace gw::seal

// Seals the envelope of a message, which is stored beside its container, and computes the
// commitment to its content. All keys are derived from the container's file key.
//
//   key    = HKDF-SHA256(file key, salt message id, "gw envelope v1")
//   aad    = "gw envelope v1" ‖ vault ‖ mailbox ‖ message ‖ u32 generation ‖ u64 received ‖ u64 size ‖
//            u64 wire_size ‖ SHA-256(container)
//   sealed = 24 nonce ‖ XChaCha20-Poly1305
//
// An envelope that opens proves that the container belongs to this vault, mailbox, message and
// record (gw-vault(7)).
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/id.h"
#include "base/result.h"
#include "seal/age.h"
#include "seal/hkdf.h"

namespace gw::seal {

// Bytes that sealing adds: nonce and tag.
inline constexpr std::size_t kEnvelopeOverhead = 24 + 16;

// What the sealed envelope is bound to, all taken from the message's record.
struct EnvelopePlace {
  VaultId vault;
  MailboxId mailbox;
  MessageId message;
  // Number of the mailbox's key pair that the container is sealed to.
  std::uint32_t generation = 0;
  // In microseconds since the epoch.
  Micros received = 0;
  // Bytes of the message, and bytes as received on the wire.
  std::uint64_t size = 0;
  std::uint64_t wire_size = 0;
  // SHA-256 of the container.
  Digest container{};
};

// Returns `plain` sealed under a key of `file_key`.
Bytes seal_envelope(const FileKey& file_key, const EnvelopePlace& place, ByteView plain);
// Returns the plain envelope. Fails with Corrupt if it was altered or belongs to another place.
Result<Bytes> open_envelope(const FileKey& file_key, const EnvelopePlace& place, ByteView sealed);

// Returns the key of the content commitment, which is HMAC-SHA256 of the SHA-256 of the message as
// received. The holder of this key can check a message against the history; without it the history
// reveals nothing about the content. It does not open the container.
Key commitment_key(const FileKey& file_key);
// Returns the commitment. `raw_sha256` is the SHA-256 of the message as received.
Digest commitment(ByteView commitment_key, const Digest& raw_sha256);

}  // namespace gw::seal

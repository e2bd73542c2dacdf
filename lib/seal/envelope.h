// Sealing what stands beside a container, under keys that only the container's file key gives.
//
//   key  = HKDF-SHA256(file key, salt message id, "gw envelope v1")
//   aad  = "gw envelope v1" ‖ vault ‖ mailbox ‖ message ‖ u32 generation ‖ u64 received ‖ u64 octets ‖
//          u64 wire_octets ‖ SHA-256(container)
//   sealed = 24 nonce ‖ XChaCha20-Poly1305
//
// An envelope that opens binds the container to its vault, mailbox, message and record.
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

inline constexpr std::size_t kEnvelopeOverhead = 24 + 16;

struct EnvelopePlace {
  VaultId vault;
  MailboxId mailbox;
  MessageId message;
  std::uint32_t generation = 0;
  Micros received = 0;
  std::uint64_t octets = 0;
  std::uint64_t wire_octets = 0;
  Digest container{};
};

Bytes seal_envelope(const FileKey& file_key, const EnvelopePlace& place, ByteView plain);
// Corrupt: altered, or of another place.
Result<Bytes> open_envelope(const FileKey& file_key, const EnvelopePlace& place, ByteView sealed);

// Content commitment: HMAC-SHA256 of the SHA-256 of the octets as received. With the commitment key anyone
// checks a message against the history; without it the history tells nothing about the content.
Key commitment_key(const FileKey& file_key);
Digest commitment(ByteView commitment_key, const Digest& raw_sha256);

}  // namespace gw::seal

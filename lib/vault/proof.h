// Proofs that the vault accepted a message, for a verifier that has nothing but a checkpoint: the
// inclusion of the message's leaf in the mailbox's history, the inclusion of that history's head in
// the vault's history, and the signed note over the vault's history (RFC 9162, section 2.1).
// gw-vault(7) describes how to check them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/id.h"
#include "base/result.h"
#include "seal/keypair.h"
#include "store/store.h"
#include "vault/envelope.h"

namespace gw::vault {

// The proof that `leaf` is entry `index` of a tree of `size` leaves whose root hash is `root`.
struct Inclusion {
  Bytes leaf;
  std::uint64_t index = 0;
  std::uint64_t size = 0;
  std::vector<Digest> path;  // audit path, from the leaf upwards
  Digest root{};
};

struct Proof {
  Inclusion message;  // its Accepted or Pending leaf in the mailbox's history
  Inclusion head;     // the Head leaf of that history, in the vault's history
  std::string note;   // checkpoint: size and root hash of the vault's history
};

// Makes a checkpoint, so that even the newest message is covered, and returns the proof for this
// message. Reads both histories completely and needs 32 bytes of memory per leaf. Fails with
// NotFound if the mailbox never had the message, with Config if the store has no history key, with
// Corrupt if the histories contradict each other.
Result<Proof> prove(store::Store& store, const MailboxId& mailbox, const MessageId& message,
                    std::string_view actor);

// What a reader needs, besides the proof, to check that a file is the message.
struct Content {
  Digest sha256{};       // of the message as received
  Bytes commitment_key;  // key of the commitment in the leaf; it decrypts nothing
};
// Opens the removal record of a removed message. Fails with Corrupt if it is damaged or does not
// belong to this vault and mailbox.
Result<Content> open_removed(const store::RemovalRecord& swept, const seal::KeyRing& ring,
                             const VaultId& vault, const MailboxId& mailbox);
// Opens the envelope in a removal record. Fails like open_removed().
Result<Envelope> open_removed_envelope(const store::RemovalRecord& swept, const seal::KeyRing& ring,
                                       const VaultId& vault, const MailboxId& mailbox);
// Returns the content of a message, from the message itself or, if it was removed, from its removal
// record. Fails with NotFound if neither exists.
Result<Content> content_of(store::Store& store, const seal::KeyRing& ring, const MailboxId& mailbox,
                           const MessageId& message);

}  // namespace gw::vault

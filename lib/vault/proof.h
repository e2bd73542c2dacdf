// That a message was accepted, for somebody who has nothing but a checkpoint: its leaf's place in the
// mailbox's history, that history's head in the vault's, and the signed note on the vault's (RFC 9162
// section 2.1).
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

namespace gw::vault {

// One leaf in the tree of `size` leaves whose root is `root`.
struct Inclusion {
  Bytes leaf;
  std::uint64_t index = 0;
  std::uint64_t size = 0;
  std::vector<Digest> path;
  Digest root{};
};

struct Proof {
  Inclusion message;  // its `accepted` or `pending` leaf, in the mailbox's history
  Inclusion head;     // the leaf that names size and root of that history, in the vault's history
  std::string note;   // names size and root of the vault's history
};

// Makes a checkpoint first, so that the newest message has its proof. NotFound: the mailbox never had this
// message. Reads both histories; 32 octets of memory for each leaf.
Result<Proof> prove(store::Store& store, const MailboxId& mailbox, const MessageId& message,
                    std::string_view actor);

// What anybody compares a file with, given the proof.
struct Content {
  Digest sha256{};       // of the octets as received
  Bytes commitment_key;  // it opens nothing
};
// What the receipt of a swept message proves. Corrupt: it is not one of this mailbox's, or is damaged.
Result<Content> open_receipt(const store::Swept& swept, const seal::KeyRing& ring, const VaultId& vault,
                             const MailboxId& mailbox);
// From the message, or where it was swept from its receipt. NotFound: there is neither.
Result<Content> content_of(store::Store& store, const seal::KeyRing& ring, const MailboxId& mailbox,
                           const MessageId& message);

}  // namespace gw::vault

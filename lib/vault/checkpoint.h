// Checkpoints: signed tree heads of the vault's history, in the C2SP signed-note and
// tlog-checkpoint formats.
//
//   gw/<vault id>
//   <size of the vault's history>
//   <root, base64>
//
//   — gw/<vault id> <key hash and Ed25519 signature, base64>
//
// A checkpoint that is kept outside the vault shows its holder whether the vault was rolled back or
// rewritten (vault/verify.h). The history key signs. It is kept outside the vault, because its
// holder can sign any head.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "store/store.h"

namespace gw::vault {

// The content of a checkpoint whose signature was verified.
struct Checkpoint {
  VaultId vault;
  store::LogHead head;  // `time` stays 0: a note has no time
};

// Returns a new history key as the key file holds it: an Ed25519 seed of 32 bytes in 64 hex digits.
Secret generate_history_key();
// Returns the signer that a store signs its checkpoints with. The signer keeps its own copy of the
// key. Fails with BadInput if `history_key` is not 64 hex digits.
Result<store::Signer> make_signer(const Secret& history_key);
// Returns the public verifier key `gw/<id>+<hash>+<base64>` (C2SP signed-note), or an empty string
// if `history_key` is not one.
std::string verifier_key(const Secret& history_key, const VaultId& vault);

// Parses a note and verifies its signature. A note may carry further signatures by other keys;
// these are ignored. Fails with BadInput if `note` is not a checkpoint or `verifier` is not a
// verifier key, and with Corrupt if the signature is missing or wrong, or if the note is about
// another vault than the verifier key.
Result<Checkpoint> open_checkpoint(std::string_view note, std::string_view verifier);

}  // namespace gw::vault

// Signed heads of the vault's history: C2SP signed notes holding a tlog-checkpoint.
//
//   gw/<vault id>
//   <size of the vault's history>
//   <root, base64>
//
//   — gw/<vault id> <key hash and Ed25519 signature, base64>
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "store/store.h"

namespace gw::vault {

struct Checkpoint {
  VaultId vault;
  store::LogHead head;  // time is not part of a note
};

// The key file's content: 32 octets of Ed25519 seed in hex. Made by `gw-store init`.
Secret generate_history_key();
Result<store::Signer> make_signer(const Secret& history_key);
std::string verifier_key(const Secret& history_key,
                         const VaultId& vault);  // `gw/<id>+<hash>+<base64>` (C2SP)

// BadInput: not such a note. Corrupt: the signature does not hold under `verifier`.
Result<Checkpoint> open_checkpoint(std::string_view note, std::string_view verifier);

}  // namespace gw::vault

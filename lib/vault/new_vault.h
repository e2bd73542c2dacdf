// What a new vault has from the beginning, beside its store: the settings, the recovery recipients and
// the history key.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "seal/keypair.h"
#include "store/store.h"
#include "vault/mailbox.h"

namespace gw::vault {

struct NewVault {
  Settings settings;  // `recovery_recipient` must be the text that the store is created with
  std::vector<seal::PublicKey> other_recipients;
  Secret history_key;  // from generate_history_key()
};

// Writes all this to the new store and to its directory `path`, durably except for the names in `path`.
// Call it while the vault is being created (store/open/open_store.h), so that an interrupted creation
// leaves no vault without them. Fails with Exists if a file is there, Io, Full.
Result<void> complete_vault(store::Store& store, const std::string& path, const NewVault& wanted,
                            std::string_view actor);

}  // namespace gw::vault

// Opens and creates the store of a vault, of the kind that VAULT/format names
// (store/vault_format.h). A program that includes this file needs no header of one kind of store,
// unless it works on the files of that kind.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "store/open_options.h"

namespace gw::store {

// Opens the store of the vault in `options.path`. Fails as openable_vault() and as the function of
// its kind, open_local_store() for `local`.
Result<std::unique_ptr<Store>> open_store(const OpenOptions& options);

// Creates a vault in the absent or empty directory `path`, with a store of this kind. `complete`
// is called with the new store, and writes what belongs to the vault from the beginning. Until
// it has succeeded the directory has no vault, also if the process is killed, and a further
// call begins again. Fails with Config if this program does not have the kind, otherwise as `complete`
// and as the function of the kind, create_local_store() for `local`. `recovery_recipient` and
// `complete` may be empty.
Result<void> create_store(std::string_view kind, const std::string& path, const VaultId& vault,
                          ByteView recovery_recipient, const Complete& complete = {});

// Returns the id of the vault in this directory, without opening it. Fails as read_format(), and
// with Config if this program does not have the kind of its store.
Result<VaultId> openable_vault(const std::string& path);

}  // namespace gw::store

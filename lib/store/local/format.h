// VAULT/format: what kind of vault this is. Text, written once.
//
//   gw-vault 1
//   vault 0123456789abcdef0123456789abcdef
//   requires
#pragma once

#include <string>

#include "base/id.h"
#include "base/result.h"

namespace gw::store {

Result<void> write_format(const std::string& vault, const VaultId& id);
// NotFound: there is no vault. Version: a reader must know something that this one does not.
Result<VaultId> read_format(const std::string& vault);

}  // namespace gw::store

#include "store/open/open_store.h"

#include "store/local/local_store.h"
#include "store/vault_format.h"

namespace gw::store {

Result<std::unique_ptr<Store>> open_store(const OpenOptions& options) {
  if (auto here = openable_vault(options.path); !here) return here.error().within("cannot open the vault");
  return open_local_store(LocalOptions(options));
}

Result<void> create_store(std::string_view kind, const std::string& path, const VaultId& vault,
                          ByteView recovery_recipient, const Complete& complete) {
  if (auto known = check_kind(path, kind); !known) return known;
  return create_local_store(path, vault, recovery_recipient, now, complete);
}

Result<VaultId> openable_vault(const std::string& path) {
  const auto format = read_format(path);
  if (!format) return format.error();
  // A directory that has moved holds no store of any kind; opening it says where the vault is.
  if (format->moved) return format->vault;
  if (auto known = check_kind(path, format->kind); !known) return known.error();
  return format->vault;
}

}  // namespace gw::store

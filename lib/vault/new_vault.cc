#include "vault/new_vault.h"

#include <algorithm>

#include "base/file.h"
#include "vault/recovery.h"

namespace gw::vault {
namespace {

// Writes the history key: one line of hex, readable by the keeper only.
Result<void> write_history_key(const std::string& path, const Secret& key) {
  Secret line(key.size() + 1);
  std::copy(key.view().begin(), key.view().end(), line.span().begin());
  line.span().back() = std::byte{'\n'};
  return create_file(path, line.view(), 0600);
}

}  // namespace

Result<void> complete_vault(store::Store& store, const std::string& path, const NewVault& wanted,
                            std::string_view actor) {
  if (auto written = write_history_key(path + "/history.key", wanted.history_key); !written) return written;
  if (auto written = write_settings(store, wanted.settings, actor); !written) return written;
  for (const seal::PublicKey& each : wanted.other_recipients) {
    if (auto added = add_recovery_recipient(store, each, actor); !added) return added;
  }
  return {};
}

}  // namespace gw::vault

// The state of a vault as a whole, which `gw-store status` prints and the API returns.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/server_stats.h"
#include "store/store.h"
#include "vault/maintenance_log.h"
#include "vault/totals.h"

namespace gw::vault {

struct VaultStatus {
  store::Health health;
  std::uint64_t mailboxes = 0;
  Totals total;
  std::optional<BackupNote> backup;  // the last one; nullopt if there never was one
  std::optional<VerifyNote> verify;  // likewise
  // Statistics since the keeper started. Each existing route has an entry, even if it had no session.
  // `of` of an entry of `routes` is the name of the route.
  std::vector<store::ServerStats> servers;
  std::vector<store::ServerStats> routes;
};

// Returns whether the reader may know of the mailbox or route with this name.
using MaySee = std::function<bool(std::string_view name)>;

// Reads the state. If `may_see` is set, the sums and the routes are those of the names that it
// permits, and `backup`, `verify` and `servers` are empty, since they are about the whole vault.
Result<VaultStatus> read_status(store::Store& store, const MaySee& may_see = nullptr);

}  // namespace gw::vault

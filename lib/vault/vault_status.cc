#include "vault/vault_status.h"

#include <algorithm>

#include "vault/route.h"

namespace gw::vault {
namespace {

constexpr std::string_view kRoutePrefix = "route ";

// Sorts the statistics into those of servers and those of routes.
Result<void> read_stats(store::Store& store, const MaySee& may_see, VaultStatus& status) {
  const auto routes = vault::routes(store);
  if (!routes) return routes.error();
  auto stats = store.server_stats();
  if (!stats) return stats.error();
  for (const Route& route : *routes)
    if (!may_see || may_see(route.name)) status.routes.emplace_back().of = route.name;
  for (store::ServerStats& each : *stats) {
    if (!each.of.starts_with(kRoutePrefix)) {
      // They cover all mailboxes.
      if (!may_see) status.servers.push_back(std::move(each));
      continue;
    }
    each.of.erase(0, kRoutePrefix.size());
    if (may_see && !may_see(each.of)) continue;
    const auto known = std::ranges::find(status.routes, each.of, &store::ServerStats::of);
    if (known == status.routes.end())
      status.routes.push_back(std::move(each));  // the route has been removed
    else
      *known = std::move(each);
  }
  return {};
}

}  // namespace

Result<VaultStatus> read_status(store::Store& store, const MaySee& may_see) {
  auto health = store.health();
  if (!health) return health.error();
  auto rows = mailbox_rows(store);
  if (!rows) return rows.error();
  if (may_see) std::erase_if(*rows, [&](const MailboxRow& row) { return !may_see(row.record.name); });
  VaultStatus status;
  status.mailboxes = may_see ? rows->size() : health->mailboxes;
  status.health = std::move(*health);
  status.total = totals_of(*rows);
  if (auto read = read_stats(store, may_see, status); !read) return read.error();
  if (may_see) return status;
  const auto backup = last_backup(store);
  if (!backup) return backup.error();
  const auto verify = last_verify(store);
  if (!verify) return verify.error();
  status.backup = *backup;
  status.verify = *verify;
  return status;
}

}  // namespace gw::vault

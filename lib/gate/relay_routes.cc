#include "gate/relay_routes.h"

#include "base/log.h"

namespace gw::gate {

Result<std::vector<vault::Route>> RelayRoutes::all() {
  const Result<store::Store*> store = store_();
  Result<std::vector<vault::Route>> fresh =
      store ? vault::routes(**store) : Result<std::vector<vault::Route>>(store.error());
  const std::lock_guard lock(mutex_);
  if (fresh) {
    last_ = *fresh;
    return fresh;
  }
  log::error("routes not read", {{"reason", fresh.error().text()}, {"known", last_ ? "yes" : "no"}});
  if (!last_) return fresh;
  return *last_;
}

std::optional<vault::Protocol> RelayRoutes::known(std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (last_)
    for (const vault::Route& route : *last_)
      if (route.name == name) return route.protocol;
  return std::nullopt;
}

}  // namespace gw::gate

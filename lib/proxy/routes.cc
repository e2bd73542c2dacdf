#include "proxy/routes.h"

#include "base/log.h"

namespace gw::proxy {

Result<std::vector<vault::Route>> ProxyRoutes::all() {
  // Ask the keeper without the lock: a slow keeper must not block the threads that only need
  // known().
  const Result<store::Store*> store = store_();
  Result<std::vector<vault::Route>> fresh =
      store ? vault::routes(**store) : Result<std::vector<vault::Route>>(store.error());
  const std::lock_guard lock(mutex_);
  if (fresh) {
    last_ = *fresh;
    // Names are added and never removed, see known().
    for (const vault::Route& route : *fresh) protocols_[route.name] = route.protocol;
    return fresh;
  }
  log::error("routes not read", {{"reason", fresh.error().text()}, {"known", last_ ? "yes" : "no"}});
  if (!last_) return fresh;
  return *last_;
}

std::optional<vault::Protocol> ProxyRoutes::known(std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto found = protocols_.find(name);
  if (found == protocols_.end()) return std::nullopt;
  return found->second;
}

}  // namespace gw::proxy

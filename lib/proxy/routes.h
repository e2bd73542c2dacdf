// The routes of gw-proxy, read from the vault for each connection.
//
// A change of a route therefore applies from the next connection on, without a reload. If the vault
// cannot be reached, the routes that were read last still apply: they say where the upstream is and
// whether mail may pass without a copy. A process that has not read any routes yet serves no
// connection.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/store.h"
#include "vault/route.h"

namespace gw::proxy {

// All members may be called from several threads at the same time.
class ProxyRoutes {
 public:
  // `store` returns the vault's store; it is called for each read and must be thread safe.
  explicit ProxyRoutes(std::function<Result<store::Store*>()> store) : store_(std::move(store)) {}

  // Returns all routes by name, or those of the last successful read if the vault cannot be
  // reached. Fails with the store's error if there are none either.
  Result<std::vector<vault::Route>> all();
  // Returns the protocol of a route without asking the vault, also if the route has been removed
  // since it was read. Returns nullopt if no route of this name has been read.
  std::optional<vault::Protocol> known(std::string_view name);

 private:
  std::function<Result<store::Store*>()> store_;
  std::mutex mutex_;
  std::optional<std::vector<vault::Route>> last_;
  std::map<std::string, vault::Protocol, std::less<>> protocols_;  // by every name ever read
};

}  // namespace gw::proxy

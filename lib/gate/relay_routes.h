// The routes as a connection of gw-proxy finds them: from the vault, anew each time.
//
// Where the vault cannot be reached the routes that were read last still say where the upstream is and
// whether mail may pass without a copy; a process that has read none yet serves nobody.
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

namespace gw::gate {

// Safe from several threads.
class RelayRoutes {
 public:
  explicit RelayRoutes(std::function<Result<store::Store*>()> store) : store_(std::move(store)) {}

  // All routes; an error where the vault cannot be asked and never was.
  Result<std::vector<vault::Route>> all();
  // The protocol of a route, as it was read last, without asking the vault: also of one that is gone since.
  std::optional<vault::Protocol> known(std::string_view name);

 private:
  std::function<Result<store::Store*>()> store_;
  std::mutex mutex_;
  std::optional<std::vector<vault::Route>> last_;
  std::map<std::string, vault::Protocol, std::less<>> protocols_;  // of every name ever read
};

}  // namespace gw::gate

// Where a vault is in a Ceph cluster, in the form that people write:
//   rados:META[,DATA]@CONF[?user=USER&vault=VAULT]
//   rados:gw-meta,gw-data@/etc/ceph/ceph.conf?vault=0123456789abcdef0123456789abcdef
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/id.h"
#include "base/result.h"

namespace gw::store {

struct RadosPlace {
  std::string meta_pool;
  std::string data_pool;                        // the same as meta_pool if the text does not name it
  std::string conf;                             // absolute path of the configuration of Ceph
  std::string user = "gw";                      // the client is client.USER
  std::optional<VaultId> vault = std::nullopt;  // nullopt if the text does not name it

  bool operator==(const RadosPlace&) const = default;
};

// Returns true if the text names a place of this kind, whether it is valid or not.
bool is_rados_place(std::string_view text);

// Fails with Usage if the text does not have the form above. Names of pools and users consist of
// ASCII letters, digits, dots, hyphens and underscores.
Result<RadosPlace> parse_rados_place(std::string_view text);

// Returns the shortest text that parse_rados_place() reads as this place.
std::string print(const RadosPlace& place);

}  // namespace gw::store

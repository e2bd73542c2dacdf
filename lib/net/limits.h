// Limits on connections: a counter by source, and the descriptor limit of the process.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/source.h"

namespace gw::net {

using gw::source_of;

// Counts open connections by source. Thread-safe.
class SourceCounter {
 public:
  // Counts one more connection from `source`. Returns false, and counts nothing, if the source
  // already has `most` connections. Each successful enter() needs one leave().
  bool enter(const std::string& source, std::size_t most);
  // Counts one connection less.
  void leave(const std::string& source);

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::size_t> counts_;
};

// Raises RLIMIT_NOFILE to the hard limit, at most 1,048,576. Returns how many connections fit into
// the limit if each needs `each` descriptors, after a reserve for listeners, logs and libraries; at
// least 1.
std::size_t raise_descriptor_limit(std::size_t each);

}  // namespace gw::net

// Counting connections by source, and what the process may hold.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/source.h"

namespace gw::net {

using gw::source_of;

// Safe on many threads.
class SourceCounter {
 public:
  // False if the source has `most` connections already.
  bool enter(const std::string& source, std::size_t most);
  void leave(const std::string& source);

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::size_t> counts_;
};

// Raises RLIMIT_NOFILE as far as it goes (at most 1,048,576) and gives how many connections of `each`
// descriptors fit.
std::size_t raise_descriptor_limit(std::size_t each);

}  // namespace gw::net

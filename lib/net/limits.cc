#include "net/limits.h"

#include <sys/resource.h>

#include <algorithm>

namespace gw::net {
namespace {

// More than that costs kernel memory for descriptor tables and serves nothing.
constexpr rlim_t kMaxDescriptors = 1 << 20;
// For listeners, logs, connections to the keeper, and the C library.
constexpr std::size_t kReserved = 64;

}  // namespace

bool SourceCounter::enter(const std::string& source, std::size_t most) {
  const std::scoped_lock lock(mutex_);
  std::size_t& count = counts_[source];
  // operator[] has created the entry; without this a stream of refused sources would fill the map.
  if (count >= most) {
    if (count == 0) counts_.erase(source);
    return false;
  }
  ++count;
  return true;
}

void SourceCounter::leave(const std::string& source) {
  const std::scoped_lock lock(mutex_);
  const auto found = counts_.find(source);
  if (found != counts_.end() && --found->second == 0) counts_.erase(found);
}

std::size_t raise_descriptor_limit(std::size_t each) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kReserved / each;
  const rlim_t wanted = std::min(limit.rlim_max, kMaxDescriptors);
  if (limit.rlim_cur < wanted) {
    const rlimit raised{wanted, limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit.rlim_cur = wanted;
  }
  // The hard limit may be RLIM_INFINITY, which must not overflow the arithmetic.
  const std::size_t have = std::min(limit.rlim_cur, kMaxDescriptors);
  return std::max<std::size_t>(1, (have > kReserved ? have - kReserved : 0) / each);
}

}  // namespace gw::net

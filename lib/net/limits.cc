#include "net/limits.h"

#include <sys/resource.h>

#include <algorithm>

namespace gw::net {
namespace {

constexpr rlim_t kMostDescriptors = 1 << 20;
// Listeners, logs, the keeper's connections, the C library's own.
constexpr std::size_t kReserved = 64;

}  // namespace

bool SourceCounter::enter(const std::string& source, std::size_t most) {
  const std::scoped_lock lock(mutex_);
  std::size_t& count = counts_[source];
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
  const rlim_t wanted = std::min(limit.rlim_max, kMostDescriptors);
  if (limit.rlim_cur < wanted) {
    const rlimit raised{wanted, limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit.rlim_cur = wanted;
  }
  const std::size_t have = std::min(limit.rlim_cur, kMostDescriptors);
  return std::max<std::size_t>(1, (have > kReserved ? have - kReserved : 0) / each);
}

}  // namespace gw::net

#include "net/limits.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>

namespace gw::net {
namespace {

constexpr rlim_t kMostDescriptors = 1 << 20;
// Listeners, logs, the keeper's connections, the C library's own.
constexpr std::size_t kReserved = 64;

}  // namespace

std::string source_of(std::string_view address) {
  const std::string text(address);
  in6_addr v6{};
  if (::inet_pton(AF_INET6, text.c_str(), &v6) != 1) return text;
  char shown[INET6_ADDRSTRLEN];
  if (IN6_IS_ADDR_V4MAPPED(&v6)) {
    ::inet_ntop(AF_INET, v6.s6_addr + 12, shown, sizeof shown);
    return shown;
  }
  std::memset(v6.s6_addr + 8, 0, 8);
  ::inet_ntop(AF_INET6, &v6, shown, sizeof shown);
  return std::string(shown) + "/64";
}

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

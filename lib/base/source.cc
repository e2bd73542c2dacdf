#include "base/source.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

namespace gw {

std::string source_of(std::string_view address) {
  const std::string text(address);
  in6_addr v6{};
  if (::inet_pton(AF_INET6, text.c_str(), &v6) != 1) return text;
  char shown[INET6_ADDRSTRLEN];
  // A listener on an IPv6 socket sees IPv4 clients as ::ffff:192.0.2.1. Without this, all of IPv4
  // would be one /64 and share one limit.
  if (IN6_IS_ADDR_V4MAPPED(&v6)) {
    ::inet_ntop(AF_INET, v6.s6_addr + 12, shown, sizeof shown);
    return shown;
  }
  std::memset(v6.s6_addr + 8, 0, 8);
  ::inet_ntop(AF_INET6, &v6, shown, sizeof shown);
  return std::string(shown) + "/64";
}

}  // namespace gw

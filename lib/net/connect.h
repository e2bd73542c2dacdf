// A connection to somebody else's server: names looked up, addresses tried in turn, all within a deadline.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/stream.h"

namespace gw::net {

struct Destination {
  std::string host;  // a name, or an address without brackets
  std::uint16_t port = 0;
  bool allow_private = false;  // addresses that are not public may be connected to
  std::chrono::milliseconds timeout{30'000};
};

// A plain Stream. The address that is judged is the one that is connected to: a name that leads to this host
// or its network does so only where the caller allows it. Denied: it leads nowhere else. Unavailable: no such
// name now, or nobody listens. Timeout; Closed, `stopping`.
Result<Stream> connect_to(const Destination& destination);

// Whether an address is on the public Internet: not loopback, unspecified, link-local, site-local, private
// (RFC 1918, RFC 4193), shared (RFC 6598), for benchmarks or multicast, and not one of these inside IPv6
// (NAT64, 6to4). IPv4-mapped IPv6 addresses are never public. What is no address is not public.
bool is_public(std::string_view address);

}  // namespace gw::net

// Outgoing TCP connections: resolves a name and tries its addresses in turn, all within one
// deadline.
//
//   auto stream = connect_to({.host = "mail.example", .port = 587});
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/stream.h"

namespace gw::net {

// The server to connect to.
struct Destination {
  std::string host;  // a host name, or a numeric address without brackets
  std::uint16_t port = 0;
  // Permits addresses that are not public (see is_public). The default prevents an operator's typo
  // or a hostile DNS record from making the gateway connect to itself or to hosts of its own
  // network.
  bool allow_private = false;
  // For the name lookup and all connection attempts together.
  std::chrono::milliseconds timeout{30'000};
};

// Connects and returns a Stream without TLS. The check for public addresses is made on the very
// address that is connected to, after the name lookup, so a DNS answer that changes between two
// lookups cannot evade it. Each address gets an equal share of the time that is left.
//
// Fails with Denied if the host has no public address and `allow_private` is false; with
// Unavailable if the name does not resolve or no server accepts; with Timeout; with Closed and the
// text `stopping` if the process was asked to stop.
Result<Stream> connect_to(const Destination& destination);

// Connects to the Unix socket at `path`, of at most 107 bytes. Fails with BadInput if the path is
// longer, and with Unavailable if no server accepts.
Result<Stream> connect_to_socket(const std::string& path);

// Returns whether `address`, a numeric IPv4 or IPv6 address, belongs to the public Internet: not
// loopback, unspecified, link-local, site-local, private (RFC 1918, RFC 4193), shared (RFC 6598),
// reserved for benchmarks (RFC 2544) or multicast, and not an IPv6 address that embeds such an IPv4
// address (NAT64, 6to4). IPv4-mapped IPv6 addresses are never public. Returns false if the text is
// not an address.
bool is_public(std::string_view address);

}  // namespace gw::net

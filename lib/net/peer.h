// The two ends of a connection.
#pragma once

#include <cstdint>
#include <string>

namespace gw::net {

// Addresses are numeric. They are used in logs, trace lines and limits.
struct Peer {
  // The peer's address: `192.0.2.1`, `2001:db8::1`, `unix` for a Unix socket, or empty if unknown.
  // IPv4-mapped IPv6 addresses are shown as IPv4.
  std::string address;
  std::uint16_t port = 0;
  // This side's address, in the same format. If the connection began with a PROXY header, the
  // address that the client connected to, which is the balancer's.
  std::string local_address;
  std::uint16_t local_port = 0;
  // This side's address of the socket itself, also with a PROXY header.
  std::string socket_address{};

  // Returns whether the peer is on this host: 127.0.0.0/8, ::1, or a Unix socket.
  bool loopback() const;
};

// Returns the ends of the connected socket `fd`. If `fd` is not a socket, reads TCPREMOTEIP,
// TCPREMOTEPORT, TCPLOCALIP and TCPLOCALPORT, which UCSPI servers set.
Peer peer_of(int fd);

}  // namespace gw::net

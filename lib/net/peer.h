// Who is on the other side of a connection.
#pragma once

#include <cstdint>
#include <string>

namespace gw::net {

struct Peer {
  std::string address;  // `192.0.2.1`, `2001:db8::1` (IPv4-mapped as IPv4), `unix`, or empty where unknown
  std::uint16_t port = 0;
  std::string local_address;
  std::uint16_t local_port = 0;

  bool loopback() const;  // 127/8, ::1, or a Unix socket
};

// Of a connected socket. Where it is no socket: UCSPI's TCPREMOTEIP, TCPREMOTEPORT, TCPLOCALIP, TCPLOCALPORT.
Peer peer_of(int fd);

}  // namespace gw::net

// The PROXY protocol, versions 1 and 2: a balancer says, before anything else on a connection, who its client
// is (haproxy's doc/proxy-protocol.txt).
//
// Only for peers that the configuration lists: whoever else could claim any address. The reader is without
// I/O and asks for exactly the octets that the header must still have, so nothing behind it is read:
//
//   ProxyHeader header;
//   while (!header.done()) header.filled(read(header.space()));
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "net/peer.h"

namespace gw::net {

class Stream;

class ProxyHeader {
 public:
  // Of version 2 with its additions (TLS facts and the like), which are skipped. Version 1 has at most 107.
  static constexpr std::size_t kMost = 2048;

  // Where the next octets belong; empty once done.
  std::span<std::byte> space();
  // So many of space() were filled. BadInput: this is no such header; the connection is to be closed, since
  // nobody knows where the client's octets begin.
  Result<void> filled(std::size_t count);
  bool done() const { return wanted_ == 0; }

  // Who the client is, when done. None: the balancer speaks for itself (LOCAL), or does not know (UNKNOWN, a
  // family that is not IP): then the connection's own addresses hold.
  const std::optional<Peer>& client() const { return client_; }

 private:
  Result<void> text();
  Result<void> binary();

  std::array<std::byte, kMost> octets_;
  std::size_t have_ = 0;
  std::size_t wanted_ = 8;  // more, at least: the shortest common to both versions
  std::optional<Peer> client_;
};

// Reads the header and makes its client the Stream's peer. Closed: the connection ended without an octet, as
// a balancer's probe does. BadInput, Timeout (for the whole header).
Result<void> read_proxy_header(Stream& stream, std::chrono::milliseconds timeout);

}  // namespace gw::net

// The PROXY protocol, versions 1 and 2: a load balancer sends the address of its client before
// anything else on a connection (haproxy's doc/proxy-protocol.txt).
//
// Accept it only from peers that the configuration lists, since any other peer could claim any
// address. ProxyHeader does no I/O. It asks for exactly the bytes that the header must still have,
// so no byte after the header is consumed:
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

// An incremental parser of one header.
class ProxyHeader {
 public:
  // Maximum length in bytes of a version 2 header with its extensions (TLS facts and others), which
  // are skipped. A version 1 header has at most 107 bytes.
  static constexpr std::size_t kMaxCount = 2048;

  // Returns where the next bytes belong; empty if done. Valid until filled() is called.
  std::span<std::byte> space();
  // Parses after the first `count` bytes of space() were filled. Fails with BadInput if this is not
  // a PROXY header. The caller must then close the connection, because it cannot know where the
  // bytes of the client begin.
  Result<void> filled(std::size_t count);
  // Returns whether the header is complete.
  bool done() const { return wanted_ == 0; }

  // Returns the client named in the header, once done. nullopt if the balancer speaks for itself
  // (LOCAL) or does not know (UNKNOWN, or a family other than TCP over IP): the connection's own
  // addresses are then the right ones.
  const std::optional<Peer>& client() const { return client_; }

 private:
  Result<void> text();
  Result<void> binary();

  std::array<std::byte, kMaxCount> data_;
  std::size_t have_ = 0;
  // Bytes still to be read, as far as known. A header of either version has at least 8 bytes.
  std::size_t wanted_ = 8;
  std::optional<Peer> client_;
};

// Reads the header and sets the Stream's peer to the client in it. `timeout` is for the whole
// header. Changes the timeout of the Stream: the caller sets its own afterwards. Fails with Closed
// if the connection ends before the first byte, as the health check of a balancer does; with
// BadInput; with Timeout.
Result<void> read_proxy_header(Stream& stream, std::chrono::milliseconds timeout);

}  // namespace gw::net

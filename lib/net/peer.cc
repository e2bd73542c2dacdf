#include "net/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdlib>

#include "base/text.h"

namespace gw::net {
namespace {

using Get = int (*)(int, sockaddr*, socklen_t*);

// Returns false if `fd` is not a connected socket. `get` is getpeername or getsockname.
bool end_of(Get get, int fd, std::string& address, std::uint16_t& port) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  auto* raw = reinterpret_cast<sockaddr*>(&storage);
  if (get(fd, raw, &length) != 0) return false;
  char shown[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
    ::inet_ntop(AF_INET, &v4->sin_addr, shown, sizeof shown);
    port = ntohs(v4->sin_port);
  } else if (storage.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
      ::inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, shown, sizeof shown);
    } else {
      ::inet_ntop(AF_INET6, &v6->sin6_addr, shown, sizeof shown);
    }
    port = ntohs(v6->sin6_port);
  } else if (storage.ss_family == AF_UNIX) {
    address = "unix";
    return true;
  }
  address = shown;
  return true;
}

// The text from the environment goes into trace lines and logs, so anything that is not a numeric
// address is dropped.
std::string address_from(const char* name) {
  const char* value = std::getenv(name);
  in6_addr any{};
  if (value == nullptr) return {};
  const bool numeric = ::inet_pton(AF_INET, value, &any) == 1 || ::inet_pton(AF_INET6, value, &any) == 1;
  return numeric ? value : "";
}

std::uint16_t port_from(const char* name) {
  const char* value = std::getenv(name);
  const auto number = value != nullptr ? parse_number(value) : std::nullopt;
  return number && *number <= 65535 ? static_cast<std::uint16_t>(*number) : std::uint16_t{0};
}

}  // namespace

bool Peer::loopback() const {
  return address == "unix" || address == "::1" || address.starts_with("127.");
}

Peer peer_of(int fd) {
  Peer peer;
  if (!end_of(::getpeername, fd, peer.address, peer.port)) {
    peer.address = address_from("TCPREMOTEIP");
    peer.port = port_from("TCPREMOTEPORT");
    peer.local_address = address_from("TCPLOCALIP");
    peer.local_port = port_from("TCPLOCALPORT");
    peer.socket_address = peer.local_address;
    return peer;
  }
  end_of(::getsockname, fd, peer.local_address, peer.local_port);
  peer.socket_address = peer.local_address;
  return peer;
}

}  // namespace gw::net

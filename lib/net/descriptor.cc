#include "net/descriptor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>

namespace gw::net {

// SO_TYPE fails for anything that is not a socket, and SO_ACCEPTCONN tells a listening socket from
// a connection. Both ask about the descriptor itself, so environment variables cannot mislead.
Described describe(int fd) {
  Described found;
  int type = 0;
  socklen_t length = sizeof type;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0 || type != SOCK_STREAM) return found;
  int accepting = 0;
  length = sizeof accepting;
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &length) != 0) return found;
  found.kind = accepting != 0 ? Kind::Listening : Kind::Connected;

  sockaddr_storage storage{};
  length = sizeof storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return found;
  char shown[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
    ::inet_ntop(AF_INET, &v4->sin_addr, shown, sizeof shown);
    found.port = ntohs(v4->sin_port);
    found.address = std::string(shown) + ":" + std::to_string(found.port);
  } else if (storage.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
    ::inet_ntop(AF_INET6, &v6->sin6_addr, shown, sizeof shown);
    found.port = ntohs(v6->sin6_port);
    found.address = "[" + std::string(shown) + "]:" + std::to_string(found.port);
  } else if (storage.ss_family == AF_UNIX && length > offsetof(sockaddr_un, sun_path)) {
    // The kernel need not terminate the path with a zero byte (unix(7)); its length counts. In the
    // abstract namespace the path begins with a zero byte, and the name is empty here.
    const auto* local = reinterpret_cast<const sockaddr_un*>(&storage);
    const std::string path(local->sun_path, length - offsetof(sockaddr_un, sun_path));
    const std::string name = path.substr(0, path.find('\0'));
    found.address = "unix:" + name;
    found.file = name.substr(name.rfind('/') + 1);
  }
  return found;
}

}  // namespace gw::net

// Listening sockets: opened by --listen, or inherited from systemd.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace gw::net {

struct Listener {
  Fd socket;
  std::string protocol;  // `smtp`, `smtps`, `submission`, `pop3`, `pop3s`, a route's name
  std::string address;   // `127.0.0.1:43521`, `[::1]:25`
  bool implicit_tls = false;
};

struct ListenSpec {
  std::string host;  // numeric address; brackets of IPv6 taken off
  std::uint16_t port = 0;
  bool implicit_tls = false;
};
// `ADDR:PORT[,tls]`, `[::]:465,tls`. Usage.
Result<ListenSpec> parse_listen(std::string_view text);

// Bound and listening. `protocol` is `smtp` or `pop3`; with implicit TLS an `s` follows it.
Result<Listener> listen_on(const ListenSpec& spec, std::string_view protocol, int backlog = 1024);

// LISTEN_FDS (sd_listen_fds(3)): role by FileDescriptorName, else by port (25 587 465 110 995). Config where
// the role is in doubt. Connected sockets are in `connected`. The variables are removed.
struct Inherited {
  std::vector<Listener> listening;
  std::vector<Listener> connected;  // Accept=yes: `socket` is the connection
};
Result<Inherited> inherited_sockets(std::string_view protocol);

// Under inetd and tcpserver the connection is descriptors 0 and 1: moved to high numbers, /dev/null put on
// 0, 1 and (where it is the same socket) 2, so that no stray message reaches the peer. Usage if 0 is no
// socket and no UCSPI variables are set.
Result<Listener> inetd_connection(std::string_view protocol);

// READY=1, RELOADING=1, STOPPING=1, STATUS=… to $NOTIFY_SOCKET; nothing where there is none.
void notify(std::string_view state);

}  // namespace gw::net

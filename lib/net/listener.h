// Listening sockets: opened by --listen, or inherited from systemd.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace gw::net {

// A listening socket, or a connection that was handed over.
struct Listener {
  Fd socket;
  Fd output;             // of a connection that is two pipes: where to write; else nothing
  std::string protocol;  // `smtp`, `smtps`, `submission`, `pop3`, `pop3s`, a route's name
  std::string address;   // `127.0.0.1:43521`, `[::1]:25`, `unix:/run/x`, or empty
  bool implicit_tls = false;
};

struct ListenSpec {
  std::string host;  // numeric address; brackets of IPv6 taken off
  std::uint16_t port = 0;
  bool implicit_tls = false;
};
// `ADDR:PORT[,tls]`, `[::]:465,tls`. Usage.
Result<ListenSpec> parse_listen(std::string_view text);

// Bound and listening; `:0` takes a free port, which `address` then has. `protocol` is `smtp` or `pop3`; with
// implicit TLS an `s` follows it. `[::]` takes IPv4 too where nothing else has that port.
Result<Listener> listen_on(const ListenSpec& spec, std::string_view protocol, int backlog = 1024);

// LISTEN_FDS (sd_listen_fds(3)): role by FileDescriptorName, else by port (25 587 465 110 995 8450), else by
// the name of a Unix socket's file. Config where the role is in doubt. The variables are removed. `protocol`
// is `smtp`, `pop3`, `http`, `keeper` (append, drain, admin), or `proxy`: smtp and pop3, and any other
// FileDescriptorName is a route's.
struct Inherited {
  std::vector<Listener> listening;
  std::vector<Listener> connected;  // Accept=yes: `socket` is the connection
};
Result<Inherited> inherited_sockets(std::string_view protocol);

// Whether descriptor 0 is a connection: a connected socket, or UCSPI's variables are set.
bool inetd_started();

// Under inetd and tcpserver the connection is descriptors 0 and 1: moved to high numbers, /dev/null put on
// 0, 1 and (where it is the same socket) 2, so that no stray message reaches the peer. Implicit TLS
// by the local port (465, 995). Usage unless inetd_started().
Result<Listener> inetd_connection(std::string_view protocol);

// READY=1, RELOADING=1, STOPPING=1, STATUS=… to $NOTIFY_SOCKET; nothing where there is none.
void notify(std::string_view state);

}  // namespace gw::net

// Listening sockets and single connections: opened for --listen, or inherited from systemd, inetd
// or a UCSPI server (tcpserver).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace gw::net {

// A listening socket, or a connection that another process accepted and passed on.
struct Listener {
  Fd socket;
  // Where to write, if the connection is two pipes. Otherwise empty: `socket` serves both
  // directions.
  Fd output;
  // `smtp`, `smtps`, `submission`, `pop3`, `pop3s`, …, or the name of a route of gw-proxy.
  std::string protocol;
  // The local address: `127.0.0.1:43521`, `[::1]:25`, `unix:/run/x`. Empty if there is none.
  std::string address;
  bool implicit_tls = false;  // the connection begins with the TLS handshake
};

// A parsed value of --listen.
struct ListenSpec {
  std::string host;        // a numeric address, without the brackets of IPv6
  std::uint16_t port = 0;  // 0: the kernel chooses a free port
  bool implicit_tls = false;
};
// Parses `ADDR:PORT` or `ADDR:PORT,tls`, such as `[::]:465,tls`. Host names are not accepted. Fails
// with Usage.
Result<ListenSpec> parse_listen(std::string_view text);

// Binds and listens. The `address` of the result has the port that the kernel chose for port 0.
// `protocol` is `smtp` or `pop3`; with implicit TLS the result's protocol has an `s` appended. A
// socket on `[::]` accepts IPv4 as well, unless another socket has that IPv4 port. Fails with Usage
// for an address that is not numeric, else with the error of bind(2).
Result<Listener> listen_on(const ListenSpec& spec, std::string_view protocol, int backlog = 1024);

// The sockets that systemd passed.
struct Inherited {
  std::vector<Listener> listening;
  // Connections of a unit with Accept=yes.
  std::vector<Listener> connected;
};
// Takes over the descriptors of LISTEN_FDS (sd_listen_fds(3)) and removes the variables, so that
// child processes do not see them. Empty if there are none for this process.
//
// The role of each descriptor is decided by its FileDescriptorName, else by its port (25, 587, 465,
// 110, 995, 8450), else by the file name of a Unix socket. `protocol` is what the caller serves:
// `smtp`, `pop3`, `http`, `keeper` (roles append, drain, admin, metrics), or `proxy`, which serves
// smtp and pop3 and takes any other FileDescriptorName as the name of a route. Fails with Config if
// a descriptor is not a stream socket, has no known role, or has a role that the caller does not
// serve.
Result<Inherited> inherited_sockets(std::string_view protocol);
// Returns whether inherited_sockets() would find any: LISTEN_FDS is set, and for this process
// (LISTEN_PID), not for one that has started it. False after inherited_sockets().
bool sockets_inherited();

// Returns whether descriptor 0 is a connection: it is a connected socket, or the variables of UCSPI
// are set.
bool inetd_started();

// Takes over the connection on descriptors 0 and 1, as inetd and tcpserver pass it. Moves them to
// high numbers and opens /dev/null on 0, 1 and, if it is the same file, 2, so that no stray output
// of a library reaches the peer. Implicit TLS is decided by the local port (465, 995). Fails with
// Usage unless inetd_started().
Result<Listener> inetd_connection(std::string_view protocol);

// Sends `state` to the service manager (sd_notify(3)): READY=1, RELOADING=1, STOPPING=1 or
// STATUS=…. Does nothing if $NOTIFY_SOCKET is not set; errors are ignored.
void notify(std::string_view state);

}  // namespace gw::net

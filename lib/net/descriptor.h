// Finds out from the kernel what an inherited descriptor is. Private to net.
//
// Servers started by systemd or inetd get descriptors whose kind depends on the unit. Asking the
// kernel avoids an option that could contradict the unit.
#pragma once

#include <cstdint>
#include <string>

namespace gw::net {

// Distinguishes stream sockets only. Any other descriptor is None.
enum class Kind { None, Listening, Connected };

// The result of describe().
struct Described {
  Kind kind = Kind::None;
  std::string address;     // the local address in the format of Listener::address
  std::uint16_t port = 0;  // the local port; 0 for a Unix socket
  std::string file;        // of a Unix socket: the file name of its path
};
// Returns what the descriptor `fd` is. Never fails: an invalid descriptor is Kind::None.
Described describe(int fd);

}  // namespace gw::net

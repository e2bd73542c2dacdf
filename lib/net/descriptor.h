// What a descriptor is, asked of the system and never taken from a flag. Inside net only.
#pragma once

#include <cstdint>
#include <string>

namespace gw::net {

enum class Kind { None, Listening, Connected };  // stream sockets only; anything else is None

struct Described {
  Kind kind = Kind::None;
  std::string address;  // its own, as Listener::address
  std::uint16_t port = 0;
  std::string file;  // of a Unix socket: the last part of its path
};
Described describe(int fd);

}  // namespace gw::net

// The unit by which limits count unknown clients.
#pragma once

#include <string>
#include <string_view>

namespace gw {

// Returns the source of a client address, under which limits and the log count it: an IPv4 address
// itself, or the /64 of an IPv6 address (`2001:db8:1:2::/64`), because one host usually has a whole
// /64. An IPv4-mapped IPv6 address counts as IPv4. Returns any other text unchanged.
std::string source_of(std::string_view address);

}  // namespace gw

// What strangers are counted by.
#pragma once

#include <string>
#include <string_view>

namespace gw {

// The source that an address belongs to: an IPv4 address itself, an IPv6 address's /64 (`2001:db8:1:2::/64`),
// for one host has all of it. Anything else stays as it is.
std::string source_of(std::string_view address);

}  // namespace gw

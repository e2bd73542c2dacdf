// Finds the client's address if a reverse proxy passes requests on to the console: from the header
// X-Forwarded-For, but only if the peer is trusted to write it.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "web/http/http.h"

namespace gw::web {

// Returns whether a peer, by its address or `unix`, is a trusted reverse proxy.
using Trusted = std::function<bool(std::string_view address)>;

// Returns the address of the client. It is `peer` unless that is trusted; else the last address in
// X-Forwarded-For that is not itself a trusted server. A client can write anything at the beginning
// of the list, so the list is read from its end, and reading stops at the first address that is not
// trusted, at anything that is not an address, and after 20 addresses.
std::string client_address(const Fields& headers, const std::string& peer, const Trusted& trusted);

}  // namespace gw::web

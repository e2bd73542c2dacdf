// Who asks, if a web server stands in front of the console: by the header X-Forwarded-For of a peer that is
// trusted to write it.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "web/http.h"

namespace gw::web {

using Trusted = std::function<bool(std::string_view address)>;

// The address of the client: `peer`, unless that is trusted; then the last address in the header's list that
// is not a trusted server itself. A client writes what it likes at the front of that list, so nothing in
// front of an address that is not trusted counts, and nothing in front of what is no address.
std::string client_address(const Fields& headers, const std::string& peer, const Trusted& trusted);

}  // namespace gw::web

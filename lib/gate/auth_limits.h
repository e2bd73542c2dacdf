// Limits on password guessing, under the namespace of the servers.
//
// AuthLimits counts wrong passwords per source and says how long the next attempt of that source
// waits; AuthPolicy holds its settings. Both are documented in net/auth_limits.h.
#pragma once

#include "net/auth_limits.h"

namespace gw::gate {

using net::AuthLimits;
using net::AuthPolicy;

}  // namespace gw::gate

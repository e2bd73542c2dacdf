// The limits on guesses of passwords (net/auth_limits.h), by the name that servers use.
#pragma once

#include "net/auth_limits.h"

namespace gw::gate {

using net::AuthLimits;
using net::AuthPolicy;

}  // namespace gw::gate

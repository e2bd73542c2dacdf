#pragma once

#include <string_view>

namespace gw {

// Returns the version that was built, for example `0.2.0`.
std::string_view version();

}  // namespace gw

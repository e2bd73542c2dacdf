#pragma once

#include <string_view>

namespace gw {

std::string_view version();  // `0.1.0`

}  // namespace gw

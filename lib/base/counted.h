// Numbers with their nouns, for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gw {

// Returns `1 message` or `2 messages`. `many` is the plural if it is not `one` with an s.
std::string counted(std::uint64_t number, std::string_view one, std::string_view many = {});

}  // namespace gw

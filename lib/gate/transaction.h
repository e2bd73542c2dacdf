// The id that follows a connection, and with a number each of its mails, through the logs of all tools.
#pragma once

#include <string>

namespace gw::gate {

// 50 random bits in letters and digits.
std::string new_transaction();

}  // namespace gw::gate

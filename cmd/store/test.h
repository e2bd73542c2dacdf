// gw-store mailbox test and route test: the tests that the console offers.
#pragma once

#include "store/commands.h"

namespace gw::cmd {

// Each adds one command to the family.
void add_mailbox_test(Commands& commands, CLI::App& family);
void add_route_test(Commands& commands, CLI::App& family);

}  // namespace gw::cmd

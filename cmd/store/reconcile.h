// `gw-store reconcile`: compares the log of another mail system with what a mailbox has accepted.
#pragma once

#include "store/commands.h"

namespace gw::cmd {

// Adds the command to the root command.
void add_reconcile(Commands& commands);

}  // namespace gw::cmd

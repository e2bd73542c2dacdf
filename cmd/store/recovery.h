// The commands about recovery recipients (gw-store-recovery(1)).
#pragma once

#include "store/commands.h"

namespace gw::cmd {

void add_recovery(Commands& commands);

}  // namespace gw::cmd

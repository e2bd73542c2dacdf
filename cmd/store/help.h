// gw-store help COMMAND: prints what `gw-store COMMAND --help` prints.
#pragma once

#include "store/commands.h"

namespace gw::cmd {

// Adds the command. Call it after all others, which it describes.
void add_help(Commands& commands);

}  // namespace gw::cmd

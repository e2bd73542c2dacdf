// The commands about the certificate of the servers (gw-store-certificate(1)).
#pragma once

#include "store/commands.h"

namespace gw::cmd {

void add_certificate(Commands& commands);

}  // namespace gw::cmd

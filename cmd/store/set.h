// What the commands that change settings have in common: `mailbox set`, `route set`, `admin set`.
#pragma once

namespace CLI {
class App;
}

namespace gw::cmd {

// Makes it a usage error to give none of the options added to the command so far. A forgotten option
// would otherwise look like success.
void require_change(CLI::App& command);

}  // namespace gw::cmd

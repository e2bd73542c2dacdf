// Commands in hints and other texts for the user.
#pragma once

#include <string>

namespace gw::cli {

// Returns `text` with the --vault and --config of this process's command line added to each command of
// gw-store and gw-export in it. Without them, a hint that the user pastes would change another vault.
// Commands that begin with an option, and texts that begin with `see `, stay as they are. Program
// stores the options when it has parsed the command line.
std::string for_this_vault(std::string text);

}  // namespace gw::cli

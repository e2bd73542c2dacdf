// The family `gw-store route`: changing in one file, looking and moving between vaults in another.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "store/commands.h"
#include "vault/route_change.h"

namespace gw::cmd {

// Exit status 66 where there is none.
Result<vault::Route> route_named(store::Store& store, const std::string& name);

void add_route_list(Commands& commands, CLI::App& family);
void add_route_show(Commands& commands, CLI::App& family);
void add_route_export(Commands& commands, CLI::App& family);
void add_route_import(Commands& commands, CLI::App& family);

}  // namespace gw::cmd

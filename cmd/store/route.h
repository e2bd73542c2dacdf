// The commands of the family `gw-store route`. add, set and remove are in route.cc, the others in
// route_list.cc.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "store/commands.h"
#include "vault/route_change.h"

namespace gw::cmd {

// Returns the route with this name. Fails with NotFound and exit status 66 if there is none.
Result<vault::Route> route_named(store::Store& store, const std::string& name);

// Each adds one command to the family.
void add_route_list(Commands& commands, CLI::App& family);
void add_route_show(Commands& commands, CLI::App& family);
void add_route_export(Commands& commands, CLI::App& family);
void add_route_import(Commands& commands, CLI::App& family);

}  // namespace gw::cmd

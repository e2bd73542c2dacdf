// The change of a history entry in the language of the user.
#pragma once

#include <string_view>

#include "web/strings/strings.h"
#include "web/ui/html.h"

namespace gw::web {

// Returns a change as vault::Differences writes it: names of fields and known values are translated,
// `OLD -> NEW` becomes an arrow, and other values stay as they are. A part that no rule knows, such as
// one that an older version wrote, is shown unchanged.
Html change_text(const Words& w, std::string_view change);

}  // namespace gw::web

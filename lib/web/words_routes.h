// Words of the pages on routes.
#pragma once

#include "web/word_table.h"

namespace gw::web {

inline constexpr Word kRouteWords[] = {
    {"routes.title", "Routes", "Percorsi", "Routen"},
};

}  // namespace gw::web

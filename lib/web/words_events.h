// Words of the pages on events, checkpoints and the test delivery.
#pragma once

#include "web/word_table.h"

namespace gw::web {

inline constexpr Word kEventWords[] = {
    {"events.title", "Events", "Eventi", "Ereignisse"},
};

}  // namespace gw::web

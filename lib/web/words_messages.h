// Words of the pages on messages.
#pragma once

#include "web/word_table.h"

namespace gw::web {

inline constexpr Word kMessageWords[] = {
    {"messages.title", "Messages", "Messaggi", "Nachrichten"},
};

}  // namespace gw::web

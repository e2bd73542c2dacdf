// Words of the pages on mailboxes.
#pragma once

#include "web/word_table.h"

namespace gw::web {

inline constexpr Word kMailboxWords[] = {
    {"mailboxes.title", "Mailboxes", "Caselle", "Postfächer"},
};

}  // namespace gw::web

// Words of the pages on API tokens.
#pragma once

#include "web/word_table.h"

namespace gw::web {

inline constexpr Word kTokenWords[] = {
    {"tokens.title", "API tokens", "Token API", "API-Token"},
};

}  // namespace gw::web

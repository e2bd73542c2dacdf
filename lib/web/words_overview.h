// Words of the overview and the page on this installation.
#pragma once

#include "web/word_table.h"

namespace gw::web {

inline constexpr Word kOverviewWords[] = {
    {"overview.title", "Overview", "Panoramica", "Übersicht"},
};

}  // namespace gw::web

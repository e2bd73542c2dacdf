#include "web/pages.h"

namespace gw::web {

void add_overview_pages(Routes&) {}

}  // namespace gw::web

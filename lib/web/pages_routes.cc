#include "web/pages.h"

namespace gw::web {

void add_route_pages(Routes&) {}

}  // namespace gw::web

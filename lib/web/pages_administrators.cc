#include "web/pages.h"

namespace gw::web {

void add_administrator_pages(Routes&) {}

}  // namespace gw::web

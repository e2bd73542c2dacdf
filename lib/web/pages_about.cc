#include "web/pages.h"

namespace gw::web {

void add_about_pages(Routes&) {}

}  // namespace gw::web

#include "web/pages.h"

namespace gw::web {

void add_event_pages(Routes&) {}

}  // namespace gw::web

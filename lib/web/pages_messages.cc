#include "web/pages.h"

namespace gw::web {

void add_message_pages(Routes&) {}

}  // namespace gw::web

#include "web/pages.h"

namespace gw::web {

void add_mailbox_pages(Routes&) {}

}  // namespace gw::web

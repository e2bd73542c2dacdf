#include "web/pages.h"

namespace gw::web {

void add_account_pages(Routes&) {}

}  // namespace gw::web

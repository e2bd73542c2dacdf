#include "web/pages.h"

namespace gw::web {

void add_token_pages(Routes&) {}

}  // namespace gw::web

#include "web/pages.h"

namespace gw::web {

void add_api(Routes&) {}

}  // namespace gw::web

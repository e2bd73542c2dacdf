// What programs ask that watch this process.
#include "web/pages.h"

namespace gw::web {
namespace {

// This process answers: all that a restart could mend is in order.
Response alive(Context&, const Request&) {
  return plain(200, "ok\n");
}

}  // namespace

void add_health_pages(Routes& routes) {
  routes.push_back({"GET", "/healthz", Access::Public, alive, Kind::Plain});
}

}  // namespace gw::web

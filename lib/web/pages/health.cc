// Health checks and metrics, for programs that watch this process.
#include "daemon/openmetrics.h"
#include "web/pages/pages.h"

namespace gw::web {
namespace {

// OpenMetrics ends with this line, so the console's own counters go before it.
constexpr std::string_view kEnd = "# EOF\n";

// Liveness: this process answers. It does not look at the keeper, since a restart of gw-webd would
// not fix that.
Response alive(Context&, const Request&) {
  return plain(200, "ok\n");
}

// Readiness: the keeper is reachable and the vault accepts new mail. Clients need not sign in for it, so the
// response names no files.
Response ready(Context& context, const Request&) {
  const auto no = [](std::string_view why) {
    return plain(503, std::string(why) + "\n").set("Retry-After", "10");
  };
  const auto store = context.console().store();
  if (!store) return no("the keeper does not respond");
  const auto health = (*store)->health();
  if (!health) return no("the keeper does not respond");
  if (!health->writable) return no("read-only");
  if (health->full) return no("disk full");
  return plain(200, "ok\n");
}

Response metrics(Context& context, const Request&) {
  if (!context.account().is_unrestricted())
    return plain(403, "an account that is not limited to some names is required\n");
  return metrics_of(context);
}

}  // namespace

Response metrics_of(const Context& context) {
  auto text = daemon::metrics_text(context.store(), context.console().options().config);
  if (!text) return plain(503, "the keeper does not respond\n");
  if (text->ends_with(kEnd)) text->resize(text->size() - kEnd.size());
  const Counts& counts = context.console().counts();
  const auto put = [&](std::string_view name, std::string_view type, std::string_view help,
                       std::uint64_t value) {
    const std::string family = "gw_webd_" + std::string(name);
    *text += "# TYPE " + family + " " + std::string(type) + "\n# HELP " + family + " " + std::string(help) +
             "\n" + family + (type == "counter" ? "_total " : " ") + std::to_string(value) + "\n";
  };
  put("sessions", "gauge", "Sessions of the console.", context.console().sessions().count());
  put("requests", "counter", "Requests answered by the console.", counts.requests);
  put("errors", "counter", "Of them, responses with a 5xx status.", counts.errors);
  put("failed_logins", "counter", "Failed logins to the console.", counts.failed_logins);
  *text += kEnd;
  Response response = plain(200, std::move(*text));
  response.content_type = daemon::kOpenMetricsType;
  return response;
}

void add_health_pages(Routes& routes) {
  routes.push_back({"GET", "/healthz", Access::Public, alive, Kind::Plain});
  routes.push_back({"GET", "/readyz", Access::Public, ready, Kind::Plain});
  routes.push_back({"GET", kMetricsPath, Access::Viewer, metrics, Kind::Plain});
}

}  // namespace gw::web

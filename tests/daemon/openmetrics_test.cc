#include "daemon/openmetrics.h"

#include <catch2/catch.hpp>

#include "support/memory_store.h"

using namespace gw;
using namespace gw::daemon;

namespace {

std::string text_in(MetricsFormat format) {
  const auto store = store::make_memory_store({});
  const auto text = metrics_text(*store, config::Config(), format);
  REQUIRE(text);
  return *text;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("Prometheus' format types counters by the names of their samples and has no end mark") {
  const std::string open = text_in(MetricsFormat::OpenMetrics);
  CHECK(has(open, "# TYPE gw_commits counter\n# HELP gw_commits "));
  CHECK(has(open, "# UNIT gw_disk_free_bytes bytes\n"));
  CHECK(open.ends_with("# EOF\n"));
  const std::string text = text_in(MetricsFormat::Prometheus);
  CHECK(has(text, "# TYPE gw_commits_total counter\n# HELP gw_commits_total "));
  CHECK(has(text, "\ngw_commits_total "));
  CHECK_FALSE(has(text, "# UNIT"));
  CHECK_FALSE(has(text, "# EOF"));
}

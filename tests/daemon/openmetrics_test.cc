#include "daemon/openmetrics.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "support/memory_store.h"
#include "support/temp_folder.h"

using namespace gw;
using namespace gw::daemon;
namespace fs = std::filesystem;

namespace {

std::string text_for(const std::string& folder, MetricsFormat format = MetricsFormat::OpenMetrics) {
  const auto store = store::make_memory_store({});
  config::Config config;
  config.vault = folder;
  const auto text = metrics_text(*store, config, format);
  REQUIRE(text);
  return *text;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("Prometheus' format types counters by the names of their samples and has no end mark") {
  const test::TempFolder folder;
  const std::string open = text_for(folder.path());
  CHECK(has(open, "# TYPE gw_commits counter\n# HELP gw_commits "));
  CHECK(has(open, "# UNIT gw_disk_free_bytes bytes\n"));
  CHECK(open.ends_with("# EOF\n"));
  const std::string text = text_for(folder.path(), MetricsFormat::Prometheus);
  CHECK(has(text, "# TYPE gw_commits_total counter\n# HELP gw_commits_total "));
  CHECK(has(text, "\ngw_commits_total "));
  CHECK_FALSE(has(text, "# UNIT"));
  CHECK_FALSE(has(text, "# EOF"));
}

TEST_CASE("A vault directory that a service manager hides has no size of its disk") {
  const test::TempFolder folder;
  CHECK(has(text_for(folder.path()), "\ngw_disk_size_bytes "));
  fs::permissions(folder.path(), fs::perms::none);
  CHECK_FALSE(has(text_for(folder.path()), "\ngw_disk_size_bytes "));
  fs::permissions(folder.path(), fs::perms::owner_all);
  CHECK_FALSE(has(text_for(folder.path() + "/none"), "\ngw_disk_size_bytes "));
}

#include "cli/values.h"

#include <CLI/CLI.hpp>
#include <catch2/catch.hpp>

namespace gw::cli {

TEST_CASE("sizes, durations and times are read as people write them") {
  CLI::App app;
  std::optional<std::uint64_t> size;
  std::optional<std::chrono::seconds> grace;
  std::optional<Micros> since;
  size_option(app, "--quota", size, "");
  duration_option(app, "--grace", grace, "");
  time_option(app, "--since", since, "");
  app.parse("--quota 200MiB --grace 10m --since 1970-01-02");
  CHECK(size == 200u << 20);
  CHECK(grace == std::chrono::minutes(10));
  CHECK(since == 86'400'000'000);
  CHECK_THROWS_WITH(app.parse("--quota many"), "--quota: `many` is not a valid size, e.g. 200MiB");
  CHECK_THROWS_AS(app.parse("--grace soon"), CLI::ValidationError);
  CHECK_THROWS_AS(app.parse("--since yesterday"), CLI::ValidationError);
}

}  // namespace gw::cli

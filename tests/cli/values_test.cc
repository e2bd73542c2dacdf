#include "cli/values.h"
#include "cli/span.h"

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
  CHECK_THROWS_WITH(app.parse("--quota many"), "--quota: `many` is not a valid size, e.g. 200MiB or 10GB");
  CHECK_THROWS_AS(app.parse("--grace soon"), CLI::ValidationError);
  CHECK_THROWS_AS(app.parse("--since soon"), CLI::ValidationError);
}

TEST_CASE("a time may be a word or a duration from now") {
  constexpr Micros kDay = Micros{86'400} * 1'000'000;
  const Micros now = *parse_time("2026-11-25T03:12:34.5Z");
  const auto ago = [&](std::string_view text) { return parse_when(text, now, Relative::Ago); };
  CHECK(ago("now") == now);
  CHECK(ago("today") == *parse_time("2026-11-25"));
  CHECK(ago("Yesterday") == *parse_time("2026-11-24"));
  CHECK(ago("tomorrow") == *parse_time("2026-11-26"));
  CHECK(ago("30d") == now - 30 * kDay);
  CHECK(ago("1.5h") == now - kDay / 16);
  CHECK(ago("2026-11-25T03:12:34Z") == *parse_time("2026-11-25T03:12:34Z"));
  CHECK(parse_when("30d", now, Relative::FromNow) == now + 30 * kDay);
  for (const char* bad : {"", "90", "2026", "1.5", "d", "-1d", "last week", "100000d"}) CHECK_FALSE(ago(bad));
}

TEST_CASE("a start that is later than the end is a mistake") {
  CHECK(check_span(1, 2));
  CHECK(check_span(2, 2));
  CHECK(check_span(2, std::nullopt));
  CHECK(check_span(std::nullopt, 1));
  CHECK(check_span(2, 1).error().code() == Code::Usage);
}

TEST_CASE("an option with a time takes a duration") {
  CLI::App app;
  std::optional<Micros> since, expires;
  time_option(app, "--since", since, "");
  time_option(app, "--expires", expires, "", Relative::FromNow);
  app.parse("--since 2h --expires 30d");
  CHECK(*since < *expires);
}

}  // namespace gw::cli

#include "base/clock.h"

#include <catch2/catch.hpp>

using namespace gw;

TEST_CASE("Times are written and read as RFC 3339") {
  CHECK(rfc3339(0) == "1970-01-01T00:00:00Z");
  CHECK(rfc3339(1'764'040'354'567'890) == "2025-11-25T03:12:34.567890Z");
  CHECK(rfc3339(-1) == "1969-12-31T23:59:59.999999Z");
  CHECK(parse_time("2025-11-25T03:12:34.567890Z") == 1'764'040'354'567'890);
  CHECK(parse_time("2025-11-25 04:12:34.56789+01:00") == 1'764'040'354'567'890);
  CHECK(parse_time("1970-01-02") == 86'400'000'000);
  CHECK(parse_time("2038-01-19T03:14:08Z") == 2'147'483'648'000'000);
  for (const char* bad : {"", "2025", "2025-13-01", "2025-02-30", "2025-11-25T25:00:00Z",
                          "2025-11-25T03:12:34", "2025-11-25T03:12:34Zx", "2025-11-25T03:12:34.Z"})
    CHECK_FALSE(parse_time(bad));
}

TEST_CASE("A written time reads back the same") {
  for (const Micros time : {Micros{1}, Micros{999'999}, Micros{1'700'000'000'123'456}, now()})
    CHECK(parse_time(rfc3339(time)) == time);
}

TEST_CASE("The date of a mail has the form of RFC 5322") {
  CHECK(rfc5322(0) == "Thu, 1 Jan 1970 00:00:00 +0000");
}

TEST_CASE("Times and spans for people") {
  CHECK(shown_time(0) == "-");
  CHECK(shown_time(1'764'039'154'567'890) == "2025-11-25 02:52:34Z");
  CHECK(shown_span(86'400) == "1 day");
  CHECK(shown_span(7 * 86'400) == "7 days");
  CHECK(shown_span(36 * 3600) == "36 h");
  CHECK(shown_span(90) == "90 s");
  CHECK(shown_span(0) == "0 s");
  CHECK(shown_age(12 * 60 + 5) == "12 min");
  CHECK(shown_age(5 * 3600 + 100) == "5 h");
  CHECK(shown_age(8) == "8 s");
}

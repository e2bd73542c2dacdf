#include "base/text.h"

#include <catch2/catch.hpp>

#include "base/counted.h"

using namespace gw;

TEST_CASE("Case is ASCII only and comparison ignores it") {
  CHECK(lower("MiXeD-\xC3\x84") == "mixed-\xC3\x84");
  CHECK(iequals("EHLO", "ehlo"));
  CHECK_FALSE(iequals("EHLO", "ehl"));
  CHECK(istarts_with("STARTTLS now", "starttls"));
  CHECK_FALSE(istarts_with("START", "starttls"));
}

TEST_CASE("Splitting returns one piece more than there are separators") {
  CHECK(split("a,,b", ',') == std::vector<std::string_view>{"a", "", "b"});
  CHECK(split("", ',') == std::vector<std::string_view>{""});
}

TEST_CASE("Only well-formed UTF-8 is valid") {
  CHECK(valid_utf8("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x93\xA7"));
  CHECK_FALSE(valid_utf8("\xC0\xAF"));          // overlong
  CHECK_FALSE(valid_utf8("\xED\xA0\x80"));      // surrogate
  CHECK_FALSE(valid_utf8("\xF4\x90\x80\x80"));  // past U+10FFFF
  CHECK_FALSE(valid_utf8("\xE2\x82"));          // truncated
}

TEST_CASE("What goes to a terminal has no control characters") {
  CHECK(printable("a\x1b[2Jb") == "a\xEF\xBF\xBD[2Jb");
  CHECK(printable("\xC2\x9B") == "\xEF\xBF\xBD");  // CSI as C1
  CHECK(printable("\xFF") == "\xEF\xBF\xBD");
  CHECK(valid_text("a\tb\xFF") == "a\tb\xEF\xBF\xBD");
}

TEST_CASE("A number is followed by its noun in the singular or the plural") {
  CHECK(counted(0, "message") == "0 messages");
  CHECK(counted(1, "message") == "1 message");
  CHECK(counted(2, "message") == "2 messages");
  CHECK(counted(1, "mailbox", "mailboxes") == "1 mailbox");
  CHECK(counted(0, "mailbox", "mailboxes") == "0 mailboxes");
}

TEST_CASE("Numbers are decimal digits without a sign and must fit") {
  CHECK(parse_number("0") == 0u);
  CHECK(parse_number("18446744073709551615") == ~std::uint64_t{0});
  for (const char* bad : {"", "-1", "+1", "1 ", "0x1", "18446744073709551616"})
    CHECK_FALSE(parse_number(bad));
}

TEST_CASE("Sizes and durations are read as people write them") {
  CHECK(parse_size("0") == 0u);
  CHECK(parse_size("200 MiB") == 200u << 20);
  CHECK(parse_size("200MiB") == 200u << 20);
  CHECK(parse_size("4k") == 4096u);
  CHECK(parse_size("1.5 GiB") == 3u << 29);
  CHECK(parse_size("10GB") == 10'000'000'000u);
  CHECK(parse_size("1.5 MB") == 1'500'000u);
  CHECK(parse_size("2kB") == 2000u);
  CHECK(parse_size("1T") == std::uint64_t{1} << 40);
  for (const char* bad : {"", "MiB", "-1", "1 PiBB", "1 PB", "1 MBB", "1 bb", "nan", "1e30"})
    CHECK_FALSE(parse_size(bad));
  CHECK(format_size(17) == "17 B");
  CHECK(format_size(4096) == "4.0 KiB");
  CHECK(parse_duration("90") == std::chrono::seconds(90));
  CHECK(parse_duration("10m") == std::chrono::minutes(10));
  CHECK(parse_duration("1d") == std::chrono::hours(24));
  CHECK_FALSE(parse_duration("soon"));
}

TEST_CASE("A misspelt word finds the word that was meant") {
  CHECK(nearest("mailbx", {"mailbox", "message"}) == "mailbox");
  CHECK(nearest("frobnicate", {"mailbox", "message"}).empty());
}

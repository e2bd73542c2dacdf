#include "smtp/bare_dot.h"

#include <catch2/catch.hpp>
#include <regex>
#include <string>

#include "support/cuts.h"
#include "wire/dot_writer.h"

using namespace gw;
using namespace std::literals;

namespace {

bool found(std::string_view text, std::size_t cut) {
  smtp::BareDot finder;
  bool seen = false;
  for (std::size_t at = 0; at < text.size(); at += cut) seen = finder.find(as_bytes(text.substr(at, cut)));
  return seen;
}

// Returns true if a lenient server, for which CR, LF and CRLF end a line and NUL is ignored, would end the
// message early. It is written independently of the code under test.
bool ends_early(std::string_view text) {
  wire::DotWriter writer;
  Bytes wire;
  writer.write(as_bytes(text), wire);
  std::string plain("\r\n");
  for (const char c : as_text(wire))
    if (c != '\0') plain += c;
  static const std::regex kEnd("(\r|\n)\\.(\r|\n)");
  return std::regex_search(plain, kEnd);
}

}  // namespace

TEST_CASE("a lone dot after a bare line ending is found, however it is cut") {
  for (const std::size_t cut : {1u, 2u, 3u, 7u, 1000u}) {
    CAPTURE(cut);
    for (const std::string_view text :
         {"a\n.\n"sv, "a\n.\r\n"sv, "a\r.\r\n"sv, "a\r.\r"sv, "a\r.\n"sv, "\n.\n"sv, "a\r\n\n.\r\nb"sv,
          "a\r\n\0.\r\n"sv, "a\n\0.\0\n"sv, "\0.\r\n"sv, "a\r\0\n.\r"sv})
      CHECK(found(text, cut));
    for (const std::string_view text :
         {""sv, "."sv, ".\r\n"sv, "a\r\n.\r\nb"sv, ".\n"sv, "a\r\n.\n"sv, "a\n..\n"sv, "a\n.b\n"sv,
          "a\n. \r\n"sv, "a.\n"sv, "a\n."sv, "\r\r\n.\r\n"sv, "a\n.\0b\n"sv, "\r\n..\r\n"sv})
      CHECK_FALSE(found(text, cut));
  }
}

TEST_CASE("every text of up to seven of these bytes that ends early at a lenient server is found") {
  std::size_t stopped = 0;
  test::all_texts("\r\n.\0x"sv, 7, [&](const std::string& text) {
    const bool seen = found(text, 1000);
    stopped += seen ? 1 : 0;
    if (ends_early(text) && !seen) FAIL("not found: " << to_hex(as_bytes(text)));
  });
  CHECK(stopped > 100);
}

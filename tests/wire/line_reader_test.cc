#include "wire/line_reader.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using gw::as_bytes;
using gw::ByteView;
using gw::wire::LineReader;

namespace {

std::string describe(const LineReader::Found& found) {
  switch (found.fault) {
    case LineReader::Fault::None:
      return "line:" + std::string(found.text);
    case LineReader::Fault::BareCr:
      return "cr:" + std::string(found.text);
    case LineReader::Fault::BareLf:
      return "lf:" + std::string(found.text);
    case LineReader::Fault::Nul:
      return "nul:" + std::string(found.text);
    case LineReader::Fault::TooLong:
      return "long:" + std::string(found.text);
  }
  return "?";
}

std::vector<std::string> read_cut(std::string_view text, std::size_t cut, std::size_t limit = 20) {
  LineReader reader(limit);
  std::vector<std::string> seen;
  for (std::size_t at = 0; at < text.size(); at += cut) {
    // A copy in a buffer of its own, so that the sanitizer detects a view that is used too long.
    const std::string piece(text.substr(at, cut));
    ByteView input = as_bytes(piece);
    while (!input.empty()) {
      const auto found = reader.next(input);
      if (found.kind == LineReader::Kind::NeedMore) {
        CHECK(input.empty());
      } else {
        seen.push_back(describe(found));
      }
    }
  }
  return seen;
}

void check_every_cut(std::string_view text, const std::vector<std::string>& expected) {
  for (std::size_t cut = 1; cut <= text.size(); ++cut) {
    INFO("cut at every " << cut);
    CHECK(read_cut(text, cut) == expected);
  }
}

using namespace std::literals;

}  // namespace

TEST_CASE("A line ends with CRLF and is returned without it") {
  check_every_cut("EHLO a\r\n\r\nQUIT\r\n", {"line:EHLO a", "line:", "line:QUIT"});
}

TEST_CASE("A bare LF is a fault, and the data up to the next CRLF is not read as a line") {
  check_every_cut("MAIL\nRCPT\r\nNOOP\r\n", {"lf:MAIL", "line:NOOP"});
}

TEST_CASE("Each line of a client that ends its lines with LF is a fault") {
  check_every_cut("EHLO a\nQUIT\nQUIT\n", {"lf:EHLO a", "lf:", "lf:"});
}

TEST_CASE("A bare CR is a fault") {
  check_every_cut("a\rb\r\nNOOP\r\n", {"cr:a", "line:NOOP"});
  check_every_cut("a\r\r\nNOOP\r\n", {"cr:a", "line:NOOP"});
  check_every_cut("\r\r\r\r\nNOOP\r\n", {"cr:", "line:NOOP"});
}

TEST_CASE("A NUL is a fault, once for a line") {
  check_every_cut("a\0\0b\0\r\nNOOP\r\n"sv, {"nul:a", "line:NOOP"});
  check_every_cut("\0\r\nNOOP\r\n"sv, {"nul:", "line:NOOP"});
}

TEST_CASE("A line of the maximum length passes and one byte more is a fault") {
  const std::string most(20, 'x');
  check_every_cut(most + "\r\nNOOP\r\n", {"line:" + most, "line:NOOP"});
  check_every_cut(most + "y\r\nNOOP\r\n", {"long:" + most, "line:NOOP"});
  check_every_cut(most + "yyyyyyy\r\nNOOP\r\n", {"long:" + most, "line:NOOP"});
}

TEST_CASE("Faults are reported before any CRLF arrives") {
  CHECK(read_cut("abc\0"sv, 100) == std::vector<std::string>{"nul:abc"});
  CHECK(read_cut("abc\n", 100) == std::vector<std::string>{"lf:abc"});
  CHECK(read_cut("abc\rd", 100) == std::vector<std::string>{"cr:abc"});
  CHECK(read_cut(std::string(21, 'x'), 100) == std::vector<std::string>{"long:" + std::string(20, 'x')});
  CHECK(read_cut("abc\r", 100).empty());
}

TEST_CASE("A new limit applies to the next line and does not end the dropping of a bad one") {
  LineReader reader(4);
  ByteView input = as_bytes("abcdefgh\r\nlonger line\r\n");
  CHECK(reader.next(input).fault == LineReader::Fault::TooLong);
  reader.set_limit(11);
  CHECK(describe(reader.next(input)) == "line:longer line");
}

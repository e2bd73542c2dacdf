#include "wire/dot_writer.h"

#include <catch2/catch.hpp>
#include <string>

#include "support/cuts.h"

using namespace std::literals;

namespace gw::wire {
namespace {

std::string stuffed(std::string_view text, std::size_t cut) {
  DotWriter writer;
  Bytes out;
  test::in_pieces(text, cut, [&](ByteView piece) { writer.write(piece, out); });
  writer.finish(out);
  return std::string(as_text(out));
}

// By the definition: a line starts at the beginning and after each CRLF.
std::string model(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '.' && (i == 0 || (i >= 2 && text.substr(i - 2, 2) == "\r\n"))) out += '.';
    out += text[i];
  }
  if (!text.empty() && !text.ends_with("\r\n")) out += "\r\n";
  return out + ".\r\n";
}

TEST_CASE("A dot that starts a line is doubled, and the end is a line with one dot") {
  CHECK(stuffed("", 1) == ".\r\n");
  CHECK(stuffed("a\r\n", 1) == "a\r\n.\r\n");
  CHECK(stuffed(".\r\n", 1) == "..\r\n.\r\n");
  CHECK(stuffed("a\r\n.b\r\n..\r\nc.d\r\n", 1) == "a\r\n..b\r\n...\r\nc.d\r\n.\r\n");
}

TEST_CASE("Text without a final line ending gets one before the final dot") {
  CHECK(stuffed("a", 1) == "a\r\n.\r\n");
  CHECK(stuffed("a\r", 1) == "a\r\r\n.\r\n");
  CHECK(stuffed("a\n", 1) == "a\n\r\n.\r\n");
}

TEST_CASE("A dot after a bare CR or LF does not start a line") {
  CHECK(stuffed("a\n.\r\nb\r.\r\n", 1) == "a\n.\r\nb\r.\r\n.\r\n");
}

TEST_CASE("Every text of the special bytes is stuffed as the definition says, at every cut") {
  test::all_texts(".\r\na\0"sv, 6, [](const std::string& text) {
    for (std::size_t cut = 1; cut <= 3; ++cut) {
      if (stuffed(text, cut) != model(text))
        FAIL("differs at cut " << cut << " for " << Catch::Detail::stringify(text));
    }
  });
  SUCCEED();
}

TEST_CASE("A writer can be used again after the final dot") {
  DotWriter writer;
  Bytes out;
  writer.write(as_bytes("middle"), out);
  writer.finish(out);
  out.clear();
  writer.write(as_bytes("."), out);
  CHECK(as_text(out) == "..");
}

}  // namespace
}  // namespace gw::wire

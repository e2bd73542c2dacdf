#include "mime/content_type.h"

#include <catch2/catch.hpp>

namespace gw::mime {
namespace {

std::string parameter(std::string_view value, std::string_view name) {
  const auto type = parse_content_type(value);
  return type ? type->parameter(name).value_or("none") : "no type";
}

TEST_CASE("Type and parameters are found in any case") {
  CHECK(parse_content_type("Text/PLAIN; Charset=UTF-8")->type == "text/plain");
  CHECK(parameter("Text/PLAIN; Charset=UTF-8", "charset") == "UTF-8");
  CHECK(parameter("text/plain", "charset") == "none");
}

TEST_CASE("A value without type and subtype is not a content type") {
  for (const char* value : {"", "text", "/plain", "text/", ";charset=a", "(text/plain)"})
    CHECK_FALSE(parse_content_type(value));
  CHECK_FALSE(parse_content_type("text/" + std::string(300, 'x')));
}

TEST_CASE("A quoted value is kept byte by byte") {
  CHECK(parameter(R"-(multipart/mixed; boundary="a;b=\"c\" (d)")-", "boundary") == R"-(a;b="c" (d))-");
  CHECK(parameter("multipart/mixed; boundary=\"\xfc=?utf-8?Q?x?=\"", "boundary") == "\xfc=?utf-8?Q?x?=");
  CHECK(parameter("multipart/mixed; boundary=\"open", "boundary") == "open");
}

TEST_CASE("An unquoted boundary with characters that need quotes is accepted") {
  CHECK(parameter("multipart/mixed; boundary=----=_Part:1?x/y; a=b", "boundary") == "----=_Part:1?x/y");
}

TEST_CASE("Comments and spaces are skipped") {
  CHECK(parameter("text/plain (a (nested) \\) one) ; (x) charset (y) = (z) utf-8 (w)", "charset") == "utf-8");
}

TEST_CASE("The first of two equal parameters counts, and malformed parameters are skipped") {
  CHECK(parameter("text/plain; charset=a; charset=b", "charset") == "a");
  CHECK(parameter("text/plain;; =x; junk; charset=a", "charset") == "a");
}

TEST_CASE("Sections and percent-encoding of RFC 2231 are decoded") {
  CHECK(parameter("a/b; boundary*0=one; boundary*1=\"-two\"", "boundary") == "one-two");
  CHECK(parameter("a/b; boundary*1=two; boundary*0=one-", "boundary") == "one-two");
  CHECK(parameter("a/b; boundary*0=one; boundary*2=three", "boundary") == "one");
  CHECK(parameter("a/b; boundary*1=two", "boundary") == "none");
  CHECK(parameter("a/b; charset*=us-ascii'en'utf%2D8", "charset") == "utf-8");
  CHECK(parameter("a/b; x*0*=us-ascii''a%20b; x*1=%20c", "x") == "a b%20c");
  CHECK(parameter("a/b; x*=%zz%4", "x") == "%zz%4");
}

TEST_CASE("The number of parameters is bounded") {
  std::string value = "a/b";
  for (int i = 0; i < 5000; ++i) value += ";x*" + std::to_string(5000 - i) + "=y";
  CHECK(parse_content_type(value)->pieces.size() == 1000);
  CHECK(parameter(value, "x") == "none");
}

}  // namespace
}  // namespace gw::mime

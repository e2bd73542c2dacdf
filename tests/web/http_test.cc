#include "web/http/http.h"

#include <catch2/catch.hpp>

using namespace gw;
using namespace gw::web;
using namespace std::literals;

TEST_CASE("The fields of a form are decoded in order, and the first of a name is used") {
  const auto form = web::Form::parse(as_bytes("a=1+2&b=%C3%A4%26%3d&a=3&empty=&bare&&c=%2B"));
  REQUIRE(form);
  CHECK(form->get("a") == "1 2");
  CHECK(form->all("a") == std::vector<std::string_view>{"1 2", "3"});
  CHECK(form->get("b") == "\xC3\xA4&=");
  CHECK(form->get("empty").empty());
  CHECK(form->has("bare"));
  CHECK(form->get("c") == "+");
  CHECK_FALSE(form->has("d"));
  CHECK(form->secret("c").text() == "+");
}

TEST_CASE("A form that cannot be parsed is refused") {
  for (const char* body : {"a=%", "a=%1", "a=%1g", "%zz=1", "a=%00"})
    CHECK_FALSE(web::Form::parse(as_bytes(body)));
  std::string many;
  for (std::size_t i = 0; i < web::Form::kMaxFields; ++i) many += "a=b&";
  CHECK(web::Form::parse(as_bytes(many)));
  CHECK_FALSE(web::Form::parse(as_bytes(many + "a=b")));
  CHECK(web::Form::parse({}));
}

TEST_CASE("Encoding and decoding a part of an address returns the same text") {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  CHECK(url_decoded(url_part(all), false) == all);
  CHECK(url_part("a b/c?d=e&f") == "a%20b%2Fc%3Fd%3De%26f");
  CHECK_FALSE(url_decoded("%4", false));
}

TEST_CASE("No line ending gets into a header") {
  CHECK(valid_header("Location", "/a?b=c"));
  CHECK_FALSE(valid_header("Location", "/a\r\nSet-Cookie: b"));
  CHECK_FALSE(valid_header("Location", "/a\nb"));
  CHECK_FALSE(valid_header("Location", "a\0b"sv));
  CHECK_FALSE(valid_header("Loca tion", "a"));
  CHECK_FALSE(valid_header("X:", "a"));
  CHECK_FALSE(valid_header("", "a"));
}

TEST_CASE("Every response has security headers, and those of a page are kept") {
  Response response;
  response.set("cache-control", "public");
  harden(response, true);
  CHECK(response.headers.all("Cache-Control").empty());
  CHECK(response.headers.get("cache-control") == "public");
  CHECK(response.headers.get("X-Content-Type-Options") == "nosniff");
  CHECK(response.headers.has("Strict-Transport-Security"));
  const std::string_view policy = response.headers.get("Content-Security-Policy");
  CHECK(policy.find("default-src 'none'") != std::string_view::npos);
  CHECK(policy.find("frame-ancestors 'none'") != std::string_view::npos);
  CHECK(policy.find("unsafe") == std::string_view::npos);
  Response plain_one;
  harden(plain_one, false);
  CHECK_FALSE(plain_one.headers.has("Strict-Transport-Security"));
}

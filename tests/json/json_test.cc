#include "json/json.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace gw;
using json::Json;

TEST_CASE("text that is not UTF-8 has its exact bytes in a second field") {
  Json object;
  json::put_text(object, "helo", "a\xff");
  CHECK(object["helo"] == "a\xef\xbf\xbd");
  CHECK(object["helo_b64"] == "Yf8=");
  json::put_text(object, "other", "ab\xff");
  CHECK(object["other_b64"] == "YWL/");
  json::put_text(object, "good", "caf\xc3\xa9");
  CHECK_FALSE(object.contains("good_b64"));
}

TEST_CASE("values that are not there are null") {
  CHECK(json::json_time(0).is_null());
  CHECK(json::json_digest({}).is_null());
  CHECK(json::text_or_null("").is_null());
  CHECK(json::text_or_null("a\xff") == "a\xef\xbf\xbd");
}

TEST_CASE("secrets are appended to an object as a parser reads them") {
  const std::string_view text = R"(pass "word" \ )"
                                "\xc3\xa9";
  const Secret password(as_bytes(text));
  const Secret line = json::with_secrets({{"name", "a"}}, {{"password", &password}, {"token", nullptr}});
  CHECK(line.text() == R"({"name":"a","password":"pass \"word\" \\ )"
                       "\xc3\xa9"
                       R"(","token":null})");
  const Json read = Json::parse(line.text());
  CHECK(read["password"] == text);
  CHECK(json::with_secrets(Json::object(), {{"password", &password}}).text().starts_with(R"({"password":")"));
}

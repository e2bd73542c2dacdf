#include "web/ui/assets.h"

#include <catch2/catch.hpp>
#include <regex>

#include "web/ui/html.h"

using namespace gw::web;

TEST_CASE("Assets are served under a name with their hash, may be cached for ever, and are not sent twice") {
  Request request;
  request.method = "GET";
  request.path = asset_path("style.css");
  CHECK(std::regex_match(request.path, std::regex("/assets/style\\.[0-9a-f]{16}\\.css")));
  const auto response = asset_response(request);
  REQUIRE(response);
  CHECK(response->content_type == "text/css; charset=utf-8");
  CHECK(response->headers.get("Cache-Control").find("immutable") != std::string_view::npos);
  CHECK(response->body.find("--accent") != std::string::npos);
  request.headers.add("if-none-match", std::string(response->headers.get("ETag")));
  const auto again = asset_response(request);
  REQUIRE(again);
  CHECK(again->status == 304);
  CHECK(again->body.empty());
  request.path = "/assets/style.css";
  CHECK_FALSE(asset_response(request));
  request.path = "/assets/../style.css";
  CHECK_FALSE(asset_response(request));
}

TEST_CASE("Pages load nothing from other hosts") {
  for (const Asset& asset : assets()) {
    CAPTURE(std::string(asset.name));
    const std::string content(asset.content);
    // A page may load itself again, by the address that it states.
    CHECK_FALSE(std::regex_search(
        content, std::regex("(url\\(|@import|src=|fetch\\((?!live\\.dataset\\.refreshTo))")));
    CHECK(asset_path(asset.name).size() > 20);
    CHECK_FALSE(asset.type.empty());
  }
}

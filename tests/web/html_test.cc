#include "web/ui/html.h"

#include <catch2/catch.hpp>

using namespace gw::web;

TEST_CASE("Text is escaped, as content and as an attribute") {
  CHECK(escaped("<script>alert('x') & \"y\"</script>").markup() ==
        "&lt;script&gt;alert(&#39;x&#39;) &amp; &quot;y&quot;&lt;/script&gt;");
  CHECK(tag("a", {{"href", "\"><script>"}}, escaped("b")).markup() ==
        "<a href=\"&quot;&gt;&lt;script&gt;\">b</a>");
}

TEST_CASE("Control characters and bytes that are not UTF-8 are replaced; line endings and tabs stay") {
  CHECK(escaped("a\nb\r\n\tc").markup() == "a\nb\n\tc");
  CHECK(escaped("a\x1b[31m").markup() == "a\xEF\xBF\xBD[31m");
  CHECK(escaped("\xff").markup() == "\xEF\xBF\xBD");
}

TEST_CASE("Attributes that are not set are omitted, and those without value have only a name") {
  CHECK(tag("input", {{"name", "a"}, {"required", true}, {"disabled", false}}).markup() ==
        "<input name=\"a\" required>");
  CHECK(tag("td").markup() == "<td></td>");
  CHECK(document("de", {}, escaped("x")) ==
        "<!DOCTYPE html>\n<html lang=\"de\"><head></head><body>x</body></html>\n");
}

#include "web/http/http_head.h"

#include <catch2/catch.hpp>

using namespace gw::web;
using namespace std::literals;

namespace {

int status_of(const std::string& data) {
  const auto parsed = parse_head(data);
  const auto* bad = std::get_if<BadHead>(&parsed);
  return bad != nullptr ? bad->status : 200;
}

std::string get(const std::string& fields) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}
std::string post(const std::string& fields) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

}  // namespace

TEST_CASE("A valid head is parsed") {
  const auto parsed = parse_head(
      "POST /a%20b?c=d HTTP/1.1\r\nHost: gw.example:8450\r\nX-Odd:\t two  words \r\nContent-Length: 12\r\n"
      "Expect: 100-continue\r\nConnection: keep-alive, Close\r\n\r\n");
  const auto* head = std::get_if<Head>(&parsed);
  REQUIRE(head != nullptr);
  CHECK(head->method == "POST");
  CHECK(head->target == "/a%20b?c=d");
  CHECK(head->headers.get("host") == "gw.example:8450");
  CHECK(head->headers.get("x-odd") == "two  words");
  CHECK(head->body == 12);
  CHECK(head->awaits_continue);
  CHECK(head->closes);
}

TEST_CASE("An ambiguous request is refused") {
  CHECK(status_of(get("")) == 200);
  CHECK(status_of(post("Content-Length: 0\r\n")) == 200);
  CHECK(status_of(post("Transfer-Encoding: chunked\r\n")) == 411);
  CHECK(status_of(post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")) == 411);
  CHECK(status_of(post("Content-Length: 5\r\nContent-Length: 5\r\n")) == 400);
  CHECK(status_of(post("Content-Length: +5\r\n")) == 400);
  CHECK(status_of(post("Content-Length: 5, 5\r\n")) == 400);
  CHECK(status_of(post("Content-Length: 0x5\r\n")) == 400);
  CHECK(status_of(post("Content-Length: 99999999999999999999999\r\n")) == 400);
  CHECK(status_of(post("Content-Length : 5\r\n")) == 400);
  CHECK(status_of(post("")) == 200);  // no body (RFC 9112 section 6.3)
  CHECK(status_of(get("Content-Length: 5\r\n")) == 400);
  CHECK(status_of("GET / HTTP/1.1\r\n\r\n") == 400);
  CHECK(status_of(get("Host: b\r\n")) == 400);
  CHECK(status_of(get("X: a\r\n b\r\n")) == 400);
}

TEST_CASE("Line endings, NUL and other control characters are refused outside their places") {
  CHECK(status_of(get("X: a\nY: b\r\n")) == 400);
  CHECK(status_of(get("X: a\rb\r\n")) == 400);
  CHECK(status_of(get("X: a\0b\r\n"s)) == 400);
  CHECK(status_of(get("X: a\x7f\r\n")) == 400);
  CHECK(status_of(get("X: a\tb\r\n")) == 200);
  CHECK(status_of(get("X\r\n")) == 400);
  CHECK(status_of(get(": a\r\n")) == 400);
  CHECK(status_of(get("X(: a\r\n")) == 400);
  CHECK(status_of("GET / HTTP/1.1\nHost: a\r\n\r\n") == 400);
}

TEST_CASE("Only request lines of browsers are accepted") {
  const auto line = [](const std::string& text) { return status_of(text + "\r\nHost: a\r\n\r\n"); };
  CHECK(line("GET / HTTP/1.1") == 200);
  CHECK(line("HEAD /a?b=%0d%0a HTTP/1.1") == 200);
  CHECK(line("GET / HTTP/1.0") == 200);
  CHECK(line("GET / HTTP/2.0") == 505);
  CHECK(line("PRI * HTTP/2.0") == 505);
  CHECK(line("GET /") == 400);
  CHECK(line("GET  HTTP/1.1") == 400);
  CHECK(line("TRACE / HTTP/1.1") == 501);
  CHECK(line("CONNECT a:1 HTTP/1.1") == 501);
  CHECK(line("get / HTTP/1.1") == 501);
  CHECK(line("GET http://a/ HTTP/1.1") == 400);
  CHECK(line("GET //a/ HTTP/1.1") == 400);
  CHECK(line("GET /a b HTTP/1.1") == 400);
  CHECK(line("GET /\x80 HTTP/1.1") == 400);
  CHECK(line("GET /\\ HTTP/1.1") == 400);
  CHECK(line("GET /#a HTTP/1.1") == 400);
  CHECK(line("GET /" + std::string(kMaxTarget, 'a') + " HTTP/1.1") == 414);
}

TEST_CASE("Too many header fields and unknown expectations are refused") {
  std::string fields;
  for (int i = 0; i < 99; ++i) fields += "X: y\r\n";
  CHECK(status_of(get(fields)) == 200);
  CHECK(status_of(get(fields + "X: y\r\n")) == 431);
  CHECK(status_of(post("Content-Length: 1\r\nExpect: tea\r\n")) == 417);
  CHECK(status_of(post("Content-Length: 1\r\nContent-Encoding: gzip\r\n")) == 415);
}

TEST_CASE("Every prefix of a head is refused or incomplete, and never crashes") {
  const std::string head = post("Content-Length: 3\r\nCookie: a=b\r\n");
  for (std::size_t size = 0; size < head.size(); ++size) CHECK(status_of(head.substr(0, size)) != 200);
}

TEST_CASE("Cookies are separated by semicolons, and other text is ignored") {
  Fields headers;
  headers.add("cookie", "a=b; __Host-gw=0123;c; =d; e==f");
  headers.add("cookie", "g=h");
  const Fields cookies = parse_cookies(headers);
  CHECK(cookies.get("a") == "b");
  CHECK(cookies.get("__Host-gw") == "0123");
  CHECK(cookies.get("e") == "=f");
  CHECK(cookies.get("g") == "h");
  CHECK(cookies.items().size() == 4);
}

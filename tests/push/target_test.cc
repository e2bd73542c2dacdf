#include "push/target.h"

#include <catch2/catch.hpp>

using namespace gw;
using namespace gw::push;
using vault::UpstreamTls;

namespace {

// Returns `host:port TLS`, `socket` or the error.
std::string read(std::string_view url) {
  const auto target = parse_target(url);
  if (!target) return "wrong";
  if (!target->socket.empty()) return target->socket;
  return target->server.upstream() + " " + std::string(name(target->server.tls)) +
         (target->dialect == proxy::Dialect::Lmtp ? " lmtp" : "") + (target->local ? " local" : "");
}

}  // namespace

TEST_CASE("a URL names the server, and TLS is required unless it is on this host") {
  CHECK(read("smtp://a.example") == "a.example:25 starttls");
  CHECK(read("SMTP://a.example:2525/") == "a.example:2525 starttls");
  CHECK(read("smtps://a.example") == "a.example:465 implicit");
  CHECK(read("smtp://[2001:db8::1]") == "[2001:db8::1]:25 starttls");
  CHECK(read("smtp://[::1]:26") == "[::1]:26 none local");
  CHECK(read("smtp://127.0.0.1") == "127.0.0.1:25 none local");
  CHECK(read("smtps://localhost") == "localhost:465 implicit local");
  CHECK(read("smtp://127.example.com") == "127.example.com:25 starttls");
  CHECK(read("lmtp://a.example:24") == "a.example:24 starttls lmtp");
  CHECK(read("lmtp:///run/dovecot/lmtp") == "/run/dovecot/lmtp");
}

TEST_CASE("any other text is not the URL of a server") {
  for (const char* url :
       {"lmtp://a.example", "smtp://", "smtp://user:secret@a.example", "smtp://a.example:0",
        "smtp://a.example/x", "smtp:///run/x", "http://a.example", "smtp://[::1", "smtp://a b"}) {
    CAPTURE(url);
    CHECK(read(url) == "wrong");
  }
  CHECK_FALSE(is_url("mail/smtp://x"));
  CHECK(is_url("smtps://x"));
}

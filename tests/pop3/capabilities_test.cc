#include "pop3/capabilities.h"

#include <catch2/catch.hpp>

namespace gw::pop3 {
namespace {

Capabilities of(std::initializer_list<std::string_view> lines) {
  Capabilities all;
  all.known = true;
  for (const std::string_view line : lines) all.add(line);
  return all;
}

std::string said(const Capabilities& upstream, const Hop& hop) {
  std::string all;
  for (const std::string& line : announced(upstream, hop)) all += line + "|";
  return all;
}

constexpr Hop kInTls{false, true, false};

TEST_CASE("The announced capabilities are those of upstream that a relay can carry") {
  const Capabilities gmail = of({"USER", "RESP-CODES", "EXPIRE 0", "LOGIN-DELAY 300", "TOP", "UIDL",
                                 "X-GOOGLE-RICO", "SASL PLAIN XOAUTH2 OAUTHBEARER SCRAM-SHA-256-PLUS"});
  CHECK(said(gmail, kInTls) ==
        "TOP|UIDL|RESP-CODES|PIPELINING|EXPIRE 0|LOGIN-DELAY 300|USER|SASL PLAIN XOAUTH2 "
        "OAUTHBEARER|IMPLEMENTATION gw|");
  const Capabilities dovecot =
      of({"CAPA", "TOP", "UIDL", "resp-codes", "PIPELINING", "AUTH-RESP-CODE", "STLS", "UTF8 USER", "LANG",
          "SASL  scram-sha-1 cram-md5", "IMPLEMENTATION Dovecot"});
  CHECK(said(dovecot, kInTls) ==
        "TOP|UIDL|RESP-CODES|AUTH-RESP-CODE|PIPELINING|UTF8 USER|IMPLEMENTATION gw|");
}

TEST_CASE("STLS and logins are announced if the client's connection allows them, and neither after login") {
  const Capabilities all = of({"USER", "STLS", "SASL PLAIN"});
  CHECK(said(all, Hop{true, false, false}) == "PIPELINING|STLS|IMPLEMENTATION gw|");
  CHECK(said(all, Hop{true, true, false}) == "PIPELINING|STLS|USER|SASL PLAIN|IMPLEMENTATION gw|");
  CHECK(said(all, Hop{false, true, true}) == "PIPELINING|IMPLEMENTATION gw|");
  CHECK(said(of({}), Hop{true, true, false}) == "PIPELINING|STLS|IMPLEMENTATION gw|");
}

TEST_CASE("A server without CAPA has USER; one that is not chosen yet is announced as usual") {
  CHECK(said(Capabilities::without_capa(), kInTls) == "PIPELINING|USER|IMPLEMENTATION gw|");
  CHECK(said(Capabilities::unchosen(), kInTls) ==
        "TOP|UIDL|RESP-CODES|AUTH-RESP-CODE|PIPELINING|USER|SASL PLAIN LOGIN XOAUTH2 "
        "OAUTHBEARER|IMPLEMENTATION gw|");
}

TEST_CASE("Lines that are not capabilities are skipped") {
  CHECK(said(of({"", " ", "\xff", "UTF8 \x1b", "TOPPER", "SASL"}), kInTls) ==
        "PIPELINING|IMPLEMENTATION gw|");
}

}  // namespace
}  // namespace gw::pop3

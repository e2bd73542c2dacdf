#include "sasl/credential_forwarder.h"
#include "base/encoding.h"

#include <catch2/catch.hpp>

using namespace gw::sasl;
using namespace std::literals;

namespace {

std::string in64(std::string_view text) {
  return gw::to_base64(gw::as_bytes(text));
}

std::string describe(const CredentialForwarder::Step& step) {
  if (const auto* challenge = std::get_if<Challenge>(&step)) return "challenge " + challenge->text;
  if (std::holds_alternative<CredentialForwarder::Ready>(step)) return "ready";
  return std::holds_alternative<Cancelled>(step) ? "cancelled" : "malformed";
}

// Returns what is sent upstream, decoded from base64, with | between messages.
std::string said(const CredentialForwarder& exchange) {
  std::string all;
  for (const gw::Secret& message : exchange.messages()) {
    if (!all.empty()) all += '|';
    all += gw::from_base64_secret(message.text()).value().text();
  }
  return all;
}

}  // namespace

TEST_CASE("what is sent upstream is what the client sent, except for the login if one is set") {
  const bool initial = GENERATE(true, false);
  struct Case {
    std::string_view mechanism, message, login, other;
  };
  for (const auto& [mechanism, message, login, other] :
       {Case{"plain", "\0name#r\0secret"sv, "name#r", "\0name\0secret"sv},
        Case{"PLAIN", "boss\0name#r\0secret"sv, "name#r", "boss\0name\0secret"sv},
        Case{"PLAIN", "name#r\0name#r\0secret"sv, "name#r", "name\0name\0secret"sv},
        Case{"XOauth2", "user=name#r\1auth=Bearer t=\1\1", "name#r", "user=name\1auth=Bearer t=\1\1"},
        Case{"OAUTHBEARER", "n,a=name#r,\1host=h\1auth=Bearer t=\1\1", "name#r",
             "n,a=name,\1host=h\1auth=Bearer t=\1\1"},
        Case{"OAUTHBEARER", "n,a=a=2Cb=3Dc,\1auth=Bearer t\1\1", "a,b=c", "n,a=name,\1auth=Bearer t\1\1"}}) {
    CAPTURE(std::string(message));
    auto exchange = CredentialForwarder::begin(mechanism);
    REQUIRE(exchange);
    if (initial) {
      REQUIRE(describe(exchange->start(in64(message))) == "ready");
    } else {
      REQUIRE(describe(exchange->start(std::nullopt)) == "challenge ");
      REQUIRE(describe(exchange->respond(in64(message))) == "ready");
    }
    CHECK(exchange->login() == login);
    CHECK(said(*exchange) == message);
    exchange->set_login("name");
    CHECK(said(*exchange) == other);
  }
}

TEST_CASE("LOGIN is sent upstream as name and password") {
  auto exchange = CredentialForwarder::begin("login");
  REQUIRE(exchange);
  SECTION("name and password as responses") {
    CHECK(describe(exchange->start(std::nullopt)) == "challenge " + in64("Username:"));
    CHECK(describe(exchange->respond(in64("name"))) == "challenge " + in64("Password:"));
  }
  SECTION("the name as initial response") {
    CHECK(describe(exchange->start(in64("name"))) == "challenge " + in64("Password:"));
  }
  CHECK(describe(exchange->respond(in64("secret"))) == "ready");
  CHECK(exchange->mechanism() == "LOGIN");
  CHECK(exchange->login() == "name");
  CHECK(said(*exchange) == "name|secret");
}

TEST_CASE("the mail's owner is the authorization identity if there is one") {
  for (const auto& [message, whose] :
       {std::pair{"\0name\0secret"sv, "other"}, std::pair{"name\0name\0secret"sv, "other"},
        std::pair{"boss\0name\0secret"sv, "boss"}}) {
    auto exchange = CredentialForwarder::begin("PLAIN");
    REQUIRE(describe(exchange->start(in64(message))) == "ready");
    exchange->set_login("other");
    CHECK(exchange->acts_as() == whose);
    REQUIRE(exchange->password() != nullptr);
    CHECK(exchange->password()->text() == "secret");
  }
  auto token = CredentialForwarder::begin("XOAUTH2");
  REQUIRE(describe(token->start(in64("user=name\1auth=Bearer t=\1\1"))) == "ready");
  CHECK(token->acts_as() == "name");
  CHECK(token->password() == nullptr);
}

TEST_CASE("an OAUTHBEARER client need not send an identity") {
  auto exchange = CredentialForwarder::begin("OAUTHBEARER");
  REQUIRE(describe(exchange->start(in64("n,,\1auth=Bearer t\1\1"))) == "ready");
  CHECK(exchange->login().empty());
  CHECK(said(*exchange) == "n,,\1auth=Bearer t\1\1");
}

TEST_CASE("any other message is malformed") {
  for (const auto& [mechanism, message] :
       {std::pair{"PLAIN", "name\0secret"sv}, std::pair{"XOAUTH2", "user=\1auth=x\1\1"sv},
        std::pair{"XOAUTH2", "user=name"sv}, std::pair{"XOAUTH2", "name\1auth=x\1\1"sv},
        std::pair{"XOAUTH2", "user=a\r\nQUIT\1auth=x\1\1"sv}, std::pair{"OAUTHBEARER", ""sv},
        std::pair{"OAUTHBEARER", "n,\1"sv}, std::pair{"OAUTHBEARER", "y,,\1auth=x\1\1"sv},
        std::pair{"OAUTHBEARER", "p=tls-unique,a=n,\1auth=x\1\1"sv},
        std::pair{"OAUTHBEARER", "n,a=a=2,\1auth=x\1\1"sv},
        std::pair{"OAUTHBEARER", "n,a=a,b,\1auth=x\1\1"sv}, std::pair{"OAUTHBEARER", "n,b=a,\1auth=x\1\1"sv},
        std::pair{"LOGIN", ""sv}}) {
    CAPTURE(std::string(message));
    auto exchange = CredentialForwarder::begin(mechanism);
    REQUIRE(exchange);
    (void)exchange->start(std::nullopt);
    CHECK(describe(exchange->respond(in64(message))) == "malformed");
  }
  for (const std::string_view line : {"=", "", "abc", "ab=c"}) {
    auto exchange = CredentialForwarder::begin("PLAIN");
    CHECK(describe(exchange->start(line)) == "malformed");
  }
}

TEST_CASE("a client may cancel, and other mechanisms are not passed on") {
  auto exchange = CredentialForwarder::begin("PLAIN");
  (void)exchange->start(std::nullopt);
  CHECK(describe(exchange->respond("*")) == "cancelled");
  for (const char* other : {"SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "CRAM-MD5", "EXTERNAL", "GSSAPI", ""})
    CHECK(CredentialForwarder::begin(other) == nullptr);
}

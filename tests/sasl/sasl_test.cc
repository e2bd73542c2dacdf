#include <catch2/catch.hpp>
#include <string>

#include "base/encoding.h"
#include "sasl/mechanism.h"

using namespace gw::sasl;
using namespace std::literals;

namespace {

std::string in64(std::string_view text) {
  return gw::to_base64(gw::as_bytes(text));
}

// Returns the step as text, so that a failed check shows it.
std::string describe(const Step& step) {
  if (const auto* challenge = std::get_if<Challenge>(&step)) return "challenge " + challenge->text;
  if (const auto* credentials = std::get_if<Credentials>(&step))
    return credentials->authorization + "/" + credentials->authentication + "/" +
           std::string(credentials->password.text());
  return std::holds_alternative<Cancelled>(step) ? "cancelled" : "malformed";
}

}  // namespace

TEST_CASE("PLAIN accepts an initial response") {
  Exchange exchange(make_mechanism("plain"));
  CHECK(describe(exchange.start(in64("\0name\0secret"sv))) == "/name/secret");
}

TEST_CASE("PLAIN without an initial response sends an empty challenge") {
  Exchange exchange(make_mechanism("PLAIN"));
  CHECK(describe(exchange.start(std::nullopt)) == "challenge ");
  CHECK(describe(exchange.respond(in64("other\0name\0secret"sv))) == "other/name/secret");
}

TEST_CASE("PLAIN refuses a message without exactly three parts") {
  for (const std::string_view message : {""sv, "name"sv, "name\0secret"sv, "\0\0secret"sv, "\0name\0"sv,
                                         "\0name\0sec\0ret"sv, "\0\xff\0secret"sv}) {
    CAPTURE(std::string(message));
    Exchange exchange(make_mechanism("PLAIN"));
    (void)exchange.start(std::nullopt);
    CHECK(describe(exchange.respond(in64(message))) == "malformed");
  }
  Exchange exchange(make_mechanism("PLAIN"));
  CHECK(describe(exchange.start(in64("\0"s + std::string(256, 'n') + "\0secret"s))) == "malformed");
}

TEST_CASE("LOGIN asks for name and password") {
  Exchange exchange(make_mechanism("LOGIN"));
  CHECK(describe(exchange.start(std::nullopt)) == "challenge " + in64("Username:"));
  CHECK(describe(exchange.respond(in64("name"))) == "challenge " + in64("Password:"));
  CHECK(describe(exchange.respond(in64("secret"))) == "/name/secret");
}

TEST_CASE("LOGIN accepts the name as an initial response") {
  Exchange exchange(make_mechanism("LOGIN"));
  CHECK(describe(exchange.start(in64("name"))) == "challenge " + in64("Password:"));
  CHECK(describe(exchange.respond(in64("secret"))) == "/name/secret");
}

TEST_CASE("LOGIN refuses an empty name or password") {
  Exchange exchange(make_mechanism("LOGIN"));
  (void)exchange.start(std::nullopt);
  CHECK(describe(exchange.respond("")) == "malformed");
}

TEST_CASE("EXTERNAL returns the identity that the client wants to act as") {
  Exchange first(make_mechanism("EXTERNAL"));
  CHECK(describe(first.start("=")) == "//");
  Exchange second(make_mechanism("EXTERNAL"));
  CHECK(describe(second.start(in64("name"))) == "name//");
  Exchange third(make_mechanism("EXTERNAL"));
  CHECK(describe(third.start(in64("na\0me"sv))) == "malformed");
}

TEST_CASE("A star cancels, and invalid base64 is malformed") {
  for (const char* name : {"PLAIN", "LOGIN", "EXTERNAL"}) {
    Exchange exchange(make_mechanism(name));
    (void)exchange.start(std::nullopt);
    CHECK(describe(exchange.respond("*")) == "cancelled");
    CHECK(describe(exchange.respond("not base64!")) == "malformed");
    CHECK(describe(exchange.start("%%%")) == "malformed");
  }
}

TEST_CASE("Other mechanisms are unknown") {
  CHECK(make_mechanism("CRAM-MD5") == nullptr);
  CHECK(make_mechanism("") == nullptr);
}

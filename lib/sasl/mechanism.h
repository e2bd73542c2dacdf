// The server side of SASL (RFC 4422), without network and without a user database.
//
// A Mechanism receives the client's messages, already decoded from base64, and returns the next
// step: a challenge, the credentials that the client sent, or that the message is malformed. It
// does not check the credentials; that is the caller's task. Exchange adds base64 as SMTP (RFC
// 4954) and POP3 (RFC 5034) use it.
//
//   Exchange exchange(make_mechanism("PLAIN"));
//   Step step = exchange.start(initial);
//   // while `step` is a Challenge: send its text, then step = exchange.respond(line)
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/secret.h"

namespace gw::sasl {

struct Challenge {
  std::string text;  // in base64 from Exchange, unencoded from a Mechanism; may be empty
};
struct Credentials {
  std::string authorization;   // the identity to act as; empty if it is the authentication identity
  std::string authentication;  // the identity that the password belongs to; empty for EXTERNAL
  Secret password;             // empty for EXTERNAL
};
struct Malformed {};  // not base64, or not a message of this mechanism; the exchange is over
struct Cancelled {};  // the client sent `*`; the exchange is over

using Step = std::variant<Challenge, Credentials, Malformed, Cancelled>;

// One run of a mechanism. After Credentials or Malformed, a new object is needed.
class Mechanism {
 public:
  virtual ~Mechanism() = default;
  // Begins with the initial response, or with nullopt if the client sent none.
  virtual Step start(std::optional<Secret> initial) = 0;
  // Receives the response to the last challenge.
  virtual Step respond(Secret message) = 0;
};

// Returns the mechanism of this name: PLAIN, LOGIN or EXTERNAL, in any case. Returns null for all
// others.
std::unique_ptr<Mechanism> make_mechanism(std::string_view name);

// One run of a mechanism over lines of base64.
class Exchange {
 public:
  explicit Exchange(std::unique_ptr<Mechanism> mechanism) : mechanism_(std::move(mechanism)) {}

  // Begins. `initial` is the text after the mechanism's name in the AUTH command, or nullopt if
  // there is none; `=` stands for an empty message (RFC 4954 section 4).
  Step start(std::optional<std::string_view> initial);
  // Receives a line without its CRLF. `*` cancels.
  Step respond(std::string_view line);

 private:
  std::unique_ptr<Mechanism> mechanism_;
};

}  // namespace gw::sasl

// SASL on the server's side (RFC 4422), without the network and without knowing who may come in.
//
// A Mechanism takes the client's messages, already out of their base64, and says what follows: a challenge,
// the credentials that the client gave, or that this was no such exchange. Whether the credentials are right
// is the caller's to find out. Exchange puts base64 around it, as SMTP (RFC 4954) and POP3 (RFC 5034) do.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/secret.h"

namespace gw::sasl {

struct Challenge {
  std::string text;  // for Exchange::respond in base64, else as it is; may be empty
};
struct Credentials {
  std::string authorization;   // whom the client wants to act as; empty: the same
  std::string authentication;  // who it says it is
  Secret password;             // empty for EXTERNAL
};
struct Malformed {};  // not base64, or not a message of this mechanism
struct Cancelled {};  // the client sent `*`

using Step = std::variant<Challenge, Credentials, Malformed, Cancelled>;

class Mechanism {
 public:
  virtual ~Mechanism() = default;
  // What the client begins with, where it sent an initial response; otherwise none.
  virtual Step start(std::optional<Secret> initial) = 0;
  virtual Step respond(Secret message) = 0;
};

// By name, in any case: PLAIN, LOGIN, EXTERNAL. Null for every other.
std::unique_ptr<Mechanism> make_mechanism(std::string_view name);

// One exchange in base64 lines.
class Exchange {
 public:
  explicit Exchange(std::unique_ptr<Mechanism> mechanism) : mechanism_(std::move(mechanism)) {}

  // `initial`: as it stands behind the mechanism's name, where `=` is an empty message (RFC 4954 section 4).
  Step start(std::optional<std::string_view> initial);
  Step respond(std::string_view line);

 private:
  std::unique_ptr<Mechanism> mechanism_;
};

}  // namespace gw::sasl

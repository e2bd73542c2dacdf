// Receives a client's SASL messages in a proxy, so that they can be sent again to the upstream
// server.
//
//   auto exchange = CredentialForwarder::begin("PLAIN");        // null for unknown mechanisms
//   CredentialForwarder::Step step = exchange->start(initial);  // then respond(line), until it is Ready
//   exchange->set_login("without the route's name");
//   for (const Secret& message : exchange->messages()) ...   // in base64, ready to send
//
// Supports PLAIN, LOGIN, XOAUTH2 and OAUTHBEARER (RFC 7628). The proxy can read the user's name in
// these, and they are not bound to a TLS connection; others (SCRAM with channel binding, GSSAPI)
// cannot pass a proxy. Passwords and tokens are only ever in a Secret. Upstream checks them. Any
// further challenge of upstream, as XOAUTH2 has for a rejected token, is passed to the client
// unchanged.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/secret.h"
#include "sasl/mechanism.h"

namespace gw::sasl {

inline constexpr std::string_view kPassedMechanisms[] = {"PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"};

class CredentialForwarder {
 public:
  // The client has sent everything.
  struct Ready {};
  using Step = std::variant<Challenge, Ready, Malformed, Cancelled>;  // a challenge is in base64

  virtual ~CredentialForwarder() = default;
  // Returns an exchange of this mechanism, named in any case; null unless it is one of
  // kPassedMechanisms.
  static std::unique_ptr<CredentialForwarder> begin(std::string_view mechanism);

  // Begins. `initial` is the text after the mechanism's name in the AUTH command, or nullopt if
  // there is none; `=` stands for an empty message.
  Step start(std::optional<std::string_view> initial);
  // Receives a line without its CRLF. `*` cancels.
  Step respond(std::string_view line);

  // The following functions are for an exchange that is Ready.

  virtual std::string_view mechanism() const = 0;  // in upper case: `PLAIN`
  // Returns the name that the client gave; empty if it gave none, which OAUTHBEARER allows.
  const std::string& login() const { return login_; }
  // Replaces the name in messages(). The caller ensures that it has no control characters.
  void set_login(std::string login) { login_ = std::move(login); }
  // Returns whose mailbox the client means: the authorization identity if the client gave one,
  // otherwise the login. Valid until the exchange changes.
  virtual std::string_view acts_as() const { return login_; }
  // Returns the password of PLAIN and LOGIN, so that it can also be sent by another command (POP3's
  // PASS); null for the mechanisms with a token.
  virtual const Secret* password() const { return nullptr; }
  // Returns the messages for upstream in base64: the initial response first, then one for each
  // challenge.
  std::vector<Secret> messages() const;

 protected:
  // Returns the challenge, not yet in base64, for a client that sends no initial response.
  virtual std::string_view first_challenge() const { return {}; }
  // Receives a message that is already decoded.
  virtual Step take(Secret message) = 0;
  // Returns the messages for upstream, not yet in base64.
  virtual std::vector<Secret> give() const = 0;

  std::string login_;
};

}  // namespace gw::sasl

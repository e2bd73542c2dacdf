// What a client says to authenticate, taken in by a proxy so that it can be said again upstream.
//
//   auto exchange = PassThrough::begin("PLAIN");        // null for every other mechanism
//   PassThrough::Step step = exchange->start(initial);  // or respond(line), until it is Ready
//   exchange->set_login("without the route's name");
//   for (const Secret& message : exchange->messages()) ...   // as they are sent, in base64
//
// PLAIN, LOGIN, XOAUTH2 and OAUTHBEARER (RFC 7628): who is meant can be read in these, and they do not depend
// on the TLS connection that they go through. Secrets are only ever in a Secret. Whether they are right is
// upstream's to say; what else it asks, as in XOAUTH2's answer to a token that it does not take, is passed to
// the client as it is.
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

class PassThrough {
 public:
  struct Ready {};
  using Step = std::variant<Challenge, Ready, Malformed, Cancelled>;  // a challenge is in base64

  virtual ~PassThrough() = default;
  static std::unique_ptr<PassThrough> begin(std::string_view mechanism);  // in any case

  // `initial`: as it stands behind the mechanism's name; `=` is an empty message.
  Step start(std::optional<std::string_view> initial);
  Step respond(std::string_view line);

  // Once it is Ready.
  virtual std::string_view mechanism() const = 0;      // `PLAIN`
  const std::string& login() const { return login_; }  // empty: the client named nobody (OAUTHBEARER)
  void set_login(std::string login) { login_ = std::move(login); }
  // Whose mail it is about: the authorization identity where the client gave one, else the login.
  virtual std::string_view acts_as() const { return login_; }
  // Of PLAIN and LOGIN, for a server that takes it in another way; null for a token.
  virtual const Secret* password() const { return nullptr; }
  std::vector<Secret> messages() const;

 protected:
  virtual std::string_view first_challenge() const { return {}; }
  virtual Step take(Secret message) = 0;  // out of its base64
  virtual std::vector<Secret> give() const = 0;

  std::string login_;
};

}  // namespace gw::sasl

// The SASL mechanism LOGIN: asks for the name, then for the password. It was never standardised
// (draft-murchison-sasl-login), but many devices and older clients try it first. Clients compare
// the prompts, so these must be exactly `Username:` and `Password:`.
#pragma once

#include "sasl/mechanism.h"

namespace gw::sasl {

class Login : public Mechanism {
 public:
  // Accepts an initial response as the name, because some clients send one. Otherwise asks for the
  // name.
  Step start(std::optional<Secret> initial) override;
  // Receives the name, then the password. Returns Malformed if either is empty or has a NUL, or if
  // the name has more than 255 bytes or is not UTF-8.
  Step respond(Secret message) override;

 private:
  std::optional<std::string> name_;  // nullopt until the client sent it
};

}  // namespace gw::sasl

// LOGIN: name and password asked for one after the other. Never standardised (draft-murchison-sasl-login),
// but what many devices and older clients offer first. Clients look for these two prompts.
#pragma once

#include "sasl/mechanism.h"

namespace gw::sasl {

class Login : public Mechanism {
 public:
  // An initial response is the name, as some clients send it.
  Step start(std::optional<Secret> initial) override;
  Step respond(Secret message) override;

 private:
  std::optional<std::string> name_;
};

}  // namespace gw::sasl

// EXTERNAL (RFC 4422 appendix A): who the client is was shown outside, by its TLS certificate; the message
// only names whom it wants to act as.
#pragma once

#include "sasl/mechanism.h"

namespace gw::sasl {

class External : public Mechanism {
 public:
  Step start(std::optional<Secret> initial) override;
  // Credentials whose only field is the authorization identity; empty: what the certificate says.
  Step respond(Secret message) override;
};

}  // namespace gw::sasl

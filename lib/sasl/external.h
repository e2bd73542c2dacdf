// The SASL mechanism EXTERNAL (RFC 4422 appendix A). The client was authenticated outside of SASL,
// by its TLS certificate; its message only names the identity to act as.
#pragma once

#include "sasl/mechanism.h"

namespace gw::sasl {

class External : public Mechanism {
 public:
  // Without an initial response, returns an empty challenge.
  Step start(std::optional<Secret> initial) override;
  // Returns Credentials with the authorization identity alone; it is empty if the client wants the
  // identity of its certificate. Returns Malformed if it has more than 255 bytes, a NUL, or is not
  // UTF-8.
  Step respond(Secret message) override;
};

}  // namespace gw::sasl

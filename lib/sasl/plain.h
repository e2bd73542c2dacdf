// The SASL mechanism PLAIN (RFC 4616): `[authorization] NUL authentication NUL password` in one
// message.
#pragma once

#include "sasl/mechanism.h"

namespace gw::sasl {

class Plain : public Mechanism {
 public:
  // Without an initial response, returns an empty challenge.
  Step start(std::optional<Secret> initial) override;
  // Returns Credentials. Returns Malformed unless the message has exactly two NULs, both identities
  // are UTF-8 of at most 255 bytes, and authentication identity and password are not empty.
  Step respond(Secret message) override;
};

}  // namespace gw::sasl

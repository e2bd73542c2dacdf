// PLAIN (RFC 4616): [authorization] NUL authentication NUL password, in one message.
#pragma once

#include "sasl/mechanism.h"

namespace gw::sasl {

class Plain : public Mechanism {
 public:
  // Without an initial response: an empty challenge.
  Step start(std::optional<Secret> initial) override;
  // Malformed unless there are exactly two NULs, both names are UTF-8 of at most 255 octets, and
  // authentication identity and password are not empty.
  Step respond(Secret message) override;
};

}  // namespace gw::sasl

// SHA-256, as a stream and at once (FIPS 180-4).
#pragma once

#include <array>
#include <memory>

#include "base/bytes.h"

namespace gw {

using Digest = std::array<std::byte, 32>;

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  Sha256& update(ByteView octets);
  Digest finish();  // and starts anew

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Digest sha256(ByteView octets);

}  // namespace gw

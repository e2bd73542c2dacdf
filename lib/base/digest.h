// SHA-256 (FIPS 180-4), as a stream and for a byte string in memory.
//
//   Sha256 hash;
//   hash.update(first).update(second);
//   const Digest digest = hash.finish();
#pragma once

#include <array>
#include <memory>

#include "base/bytes.h"

namespace gw {

using Digest = std::array<std::byte, 32>;

// Hashes a stream. No function fails: if OpenSSL has no memory or no SHA-256, the process aborts.
// One object must not be used by two threads at the same time. A moved-from object can only be
// destroyed or assigned.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  Sha256& update(ByteView data);
  // Returns the digest of all bytes since construction or the last finish(), and starts a new hash.
  Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Returns the digest of `data`. May be called by any thread.
Digest sha256(ByteView data);

}  // namespace gw

// Fingerprints, by which gw-proxy recognises mail that it has copied before (gw-proxy(8)): keyed
// BLAKE2b.
//
// The key is not in the vault, so a thief of the vault cannot test whether a known mail is in it.
// Each fingerprint is bound to one route and one login, so the same mail of two users has two
// fingerprints. Every field is preceded by its length and every kind of fingerprint by its number,
// so that different inputs are never hashed as the same bytes.
//
//   Fingerprints prints(key, "work", "ann@example.com");
//   Digest id = prints.of_uidl(uidl);
//   Digest body = prints.content().update(part1).update(part2).finish();
#pragma once

#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/secret.h"

namespace gw::seal {

// Length of the key in bytes.
inline constexpr std::size_t kFingerprintKey = 32;

// The fingerprints of one login on one route. Safe for concurrent use after construction.
class Fingerprints {
 public:
  // `key` has kFingerprintKey bytes. It is not kept, but a state from which fingerprints can be
  // computed is; the destructor wipes it.
  Fingerprints(const Secret& key, std::string_view route, std::string_view login);
  ~Fingerprints();
  Fingerprints(Fingerprints&&) noexcept;
  Fingerprints& operator=(Fingerprints&&) noexcept;

  // Returns the fingerprint of the unique id that the upstream gives a message (UIDL, RFC 1939).
  Digest of_uidl(std::string_view uidl) const;

  // Computes the fingerprint of a message from its bytes as they arrive.
  class Content {
   public:
    ~Content();
    Content(Content&&) noexcept;
    Content& operator=(Content&&) noexcept;
    // Adds bytes. Returns this object.
    Content& update(ByteView data);
    // Returns the fingerprint. Call it once; the object is of no use afterwards.
    Digest finish();

   private:
    friend class Fingerprints;
    struct State;
    explicit Content(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
  };
  // Returns a new, empty computation.
  Content content() const;

 private:
  struct Start;
  std::unique_ptr<Start> start_;
};

}  // namespace gw::seal

// Fingerprints of what gw-proxy has copied before (vault.md section 1): BLAKE2b under a key of the proxy's
// own.
//
// The key is not in the vault, so a thief of the vault cannot test whether a known mail is in it. Each
// fingerprint is bound to one route and one login: two users' identical mails have different ones. Every
// field is preceded by its length and each kind by its own number, so that no two different facts are ever
// hashed as the same octets.
#pragma once

#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/secret.h"

namespace gw::seal {

inline constexpr std::size_t kFingerprintKey = 32;  // octets

class Fingerprints {
 public:
  // `key` has kFingerprintKey octets and outlives this.
  Fingerprints(const Secret& key, std::string_view route, std::string_view login);
  ~Fingerprints();
  Fingerprints(Fingerprints&&) noexcept;
  Fingerprints& operator=(Fingerprints&&) noexcept;

  // Of the name that upstream gives a message (UIDL).
  Digest of_uidl(std::string_view uidl) const;

  // Of a message's octets, as they come.
  class Content {
   public:
    ~Content();
    Content(Content&&) noexcept;
    Content& operator=(Content&&) noexcept;
    Content& update(ByteView octets);
    Digest finish();  // once

   private:
    friend class Fingerprints;
    struct State;
    explicit Content(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
  };
  Content content() const;

 private:
  struct Start;
  std::unique_ptr<Start> start_;
};

}  // namespace gw::seal

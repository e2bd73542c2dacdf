#include "base/digest.h"

#include <openssl/evp.h>

#include <cstdlib>

namespace gw {

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_CTX_free(context); }
};

namespace {

// Fetches the algorithm once. In OpenSSL 3 an implicit fetch at each use costs more than hashing a
// small message.
const EVP_MD* algorithm() {
  static const EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return fetched;
}

// Hashing fails only if memory or the algorithm is missing. There is no safe way to continue: a
// history or a digest would be wrong.
void demand(bool ok) {
  if (!ok) std::abort();
}

}  // namespace

Sha256::Sha256() : state_(std::make_unique<State>()) {
  demand(state_->context != nullptr && EVP_DigestInit_ex(state_->context, algorithm(), nullptr) == 1);
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::update(ByteView data) {
  demand(EVP_DigestUpdate(state_->context, data.data(), data.size()) == 1);
  return *this;
}

Digest Sha256::finish() {
  Digest digest;
  // Initialises again, so that the object is ready for the next hash.
  demand(EVP_DigestFinal_ex(state_->context, as_uchar(digest.data()), nullptr) == 1 &&
         EVP_DigestInit_ex(state_->context, algorithm(), nullptr) == 1);
  return digest;
}

Digest sha256(ByteView data) {
  // One context for each thread: creating one costs more than hashing a small message.
  thread_local Sha256 hash;
  return hash.update(data).finish();
}

}  // namespace gw

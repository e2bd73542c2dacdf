// ChunkCipher, with OpenSSL's ChaCha20-Poly1305: a context is keyed once and reused for every
// chunk.
#include <openssl/evp.h>

#include <cstdlib>

#include "seal/age.h"
#include "seal/hkdf.h"

namespace gw::seal {
namespace {

// Fetched once. OpenSSL would otherwise search its providers at each use, which takes longer than
// sealing a small message.
const EVP_CIPHER* algorithm() {
  static const EVP_CIPHER* const fetched = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
  return fetched;
}

// OpenSSL's calls fail here only if memory or the algorithm is missing. Continuing could write
// plaintext, so the process ends.
void demand(bool ok) {
  if (!ok) std::abort();
}

// 11 bytes hold the number of the chunk, big-endian, and the last byte is 1 for the last chunk
// (age's STREAM construction).
std::array<std::byte, 12> chunk_nonce(std::uint64_t number, bool last) {
  std::array<std::byte, 12> nonce{};
  for (std::size_t i = 0; i < 8; ++i) nonce[10 - i] = static_cast<std::byte>(number >> (8 * i));
  nonce[11] = static_cast<std::byte>(last);
  return nonce;
}

}  // namespace

struct ChunkCipher::Context {
  EVP_CIPHER_CTX* evp = EVP_CIPHER_CTX_new();
  Way way;

  explicit Context(Way w) : way(w) { demand(evp != nullptr); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { EVP_CIPHER_CTX_free(evp); }
};

ChunkCipher::ChunkCipher(Way way, const FileKey& file_key, std::span<const std::byte, kNonce> nonce)
    : context_(std::make_unique<Context>(way)) {
  const Key key = hkdf(file_key.view(), nonce, "payload");
  demand(EVP_CipherInit_ex2(context_->evp, algorithm(), as_uchar(key.view().data()), nullptr,
                            way == Way::Seal ? 1 : 0, nullptr) == 1);
}
ChunkCipher::~ChunkCipher() = default;
ChunkCipher::ChunkCipher(ChunkCipher&&) noexcept = default;
ChunkCipher& ChunkCipher::operator=(ChunkCipher&&) noexcept = default;

void ChunkCipher::seal(std::uint64_t number, bool last, std::span<std::byte> chunk) {
  EVP_CIPHER_CTX* evp = context_->evp;
  const std::array<std::byte, 12> nonce = chunk_nonce(number, last);
  unsigned char* const at = as_uchar(chunk.data());
  const int plain = static_cast<int>(chunk.size() - kTag);
  int done = 0;
  int more = 0;
  demand(context_->way == Way::Seal && chunk.size() >= kTag && chunk.size() <= kSealedChunk);
  demand(EVP_CipherInit_ex2(evp, nullptr, nullptr, as_uchar(nonce.data()), 1, nullptr) == 1);
  demand(EVP_CipherUpdate(evp, at, &done, at, plain) == 1);
  demand(EVP_CipherFinal_ex(evp, at + done, &more) == 1 && done + more == plain);
  demand(EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_GET_TAG, static_cast<int>(kTag), at + plain) == 1);
}

bool ChunkCipher::open(std::uint64_t number, bool last, std::span<std::byte> chunk) {
  EVP_CIPHER_CTX* evp = context_->evp;
  const std::array<std::byte, 12> nonce = chunk_nonce(number, last);
  unsigned char* const at = as_uchar(chunk.data());
  const int plain = static_cast<int>(chunk.size() - kTag);
  int done = 0;
  int more = 0;
  demand(context_->way == Way::Open && chunk.size() >= kTag && chunk.size() <= kSealedChunk);
  demand(EVP_CipherInit_ex2(evp, nullptr, nullptr, as_uchar(nonce.data()), 0, nullptr) == 1);
  // The expected tag must be set before the final call, which compares it.
  demand(EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(kTag), at + plain) == 1);
  demand(EVP_CipherUpdate(evp, at, &done, at, plain) == 1);
  if (EVP_CipherFinal_ex(evp, at + done, &more) == 1) return true;
  // OpenSSL has already written plaintext that is not authenticated.
  wipe(chunk);
  return false;
}

}  // namespace gw::seal

// Any bytes as a checkpoint and as a verifier key. Only what was signed opens.
#include <cstdlib>

#include "vault/checkpoint.h"

using namespace gw;
using namespace gw::vault;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const VaultId vault = *VaultId::parse("0123456789abcdef0123456789abcdef");
  static const Secret key(as_bytes("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"));
  static const std::string verifier = verifier_key(key, vault);
  static const std::string genuine = make_signer(key)->sign(vault, {42, {}, 0}).value();
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  const Result<Checkpoint> opened = open_checkpoint(text, verifier);
  // Only the one note that was ever signed, perhaps with others' signatures beside it.
  if (opened && text.find(genuine.substr(0, genuine.find("\n\n"))) != 0) std::abort();
  (void)open_checkpoint(genuine, text);
  return 0;
}

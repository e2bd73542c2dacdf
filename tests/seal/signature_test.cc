#include "seal/signature.h"

#include <catch2/catch.hpp>

using namespace gw;
using namespace gw::seal;

TEST_CASE("Ed25519 matches the second vector of RFC 8032") {
  std::array<std::byte, 32> seed;
  REQUIRE(from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", seed));
  const SigningKey key(seed);
  CHECK(to_hex(key.verify_key()) == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const Bytes message{std::byte{0x72}};
  const Signature signature = key.sign(message);
  CHECK(to_hex(signature) ==
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b"
        "2eae"
        "b4302aeeb00d291612bb0c00");
  CHECK(verify(key.verify_key(), message, signature));
}

TEST_CASE("a signature is valid for its own message and key only") {
  std::array<std::byte, 32> seed;
  random_bytes(seed);
  const SigningKey key(seed);
  random_bytes(seed);
  const SigningKey other(seed);
  const Signature signature = key.sign(as_bytes("head"));
  CHECK(verify(key.verify_key(), as_bytes("head"), signature));
  CHECK_FALSE(verify(key.verify_key(), as_bytes("heap"), signature));
  CHECK_FALSE(verify(other.verify_key(), as_bytes("head"), signature));
  Signature altered = signature;
  altered[5] ^= std::byte{1};
  CHECK_FALSE(verify(key.verify_key(), as_bytes("head"), altered));
}

#include "seal/base_point.h"

#include <sodium.h>

#include <catch2/catch.hpp>

#include "base/secret.h"

using namespace gw;
using namespace gw::seal;

namespace {

PublicKey by_the_ladder(ByteView scalar) {
  PublicKey result{};
  REQUIRE(crypto_scalarmult_base(as_uchar(result.data()), as_uchar(scalar.data())) == 0);
  return result;
}

}  // namespace

TEST_CASE("the table and the ladder agree on every scalar that was tried") {
  start_sodium();
  std::array<std::byte, 32> scalar{};
  for (int i = 0; i < 500; ++i) {
    random_bytes(scalar);
    REQUIRE(times_base_point(scalar) == by_the_ladder(scalar));
  }
  for (const int byte : {0x00, 0x01, 0x07, 0x08, 0x7f, 0x80, 0xff}) {
    scalar.fill(static_cast<std::byte>(byte));
    CHECK(times_base_point(scalar) == by_the_ladder(scalar));
  }
  for (std::size_t bit = 0; bit < 256; ++bit) {
    scalar.fill(std::byte{0});
    scalar[bit / 8] = static_cast<std::byte>(1 << bit % 8);
    CHECK(times_base_point(scalar) == by_the_ladder(scalar));
  }
}

#include "seal/base_point.h"

#include <sodium.h>

#include <array>
#include <cstdint>

#include "base/secret.h"

namespace gw::seal {
namespace {

#ifdef __SIZEOF_INT128__

__extension__ using Wide = unsigned __int128;

constexpr std::uint64_t kLimb = (std::uint64_t{1} << 51) - 1;

// A number modulo p = 2^255 - 19 in five limbs of 51 bits. Limbs may exceed 51 bits by a few:
// products of two limbs, times 19 and summed five times, still fit into 128 bits.
using Number = std::array<std::uint64_t, 5>;

// Reads eight bytes, little-endian.
std::uint64_t load(const unsigned char* at) {
  std::uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | at[i];
  return value;
}

// Returns the y coordinate of an encoded point. The top bit, which is the sign of x, is dropped:
// the mapping does not need it.
Number decode(const unsigned char* at) {
  return {load(at) & kLimb, load(at + 6) >> 3 & kLimb, load(at + 12) >> 6 & kLimb, load(at + 19) >> 1 & kLimb,
          load(at + 24) >> 12 & kLimb};
}

// Brings the limbs back to 51 bits, but for a small excess in the lowest: 2^255 is congruent to 19.
void carry(Number& n) {
  for (std::size_t i = 0; i < 4; ++i) {
    n[i + 1] += n[i] >> 51;
    n[i] &= kLimb;
  }
  n[0] += 19 * (n[4] >> 51);
  n[4] &= kLimb;
}

Wide wide(std::uint64_t a, std::uint64_t b) {
  return static_cast<Wide>(a) * b;
}

// Carries the sums of a product into limbs of 51 bits. The last carry wraps around with the factor
// 19.
Number reduced(Wide s0, Wide s1, Wide s2, Wide s3, Wide s4) {
  s1 += static_cast<std::uint64_t>(s0 >> 51);
  s2 += static_cast<std::uint64_t>(s1 >> 51);
  s3 += static_cast<std::uint64_t>(s2 >> 51);
  s4 += static_cast<std::uint64_t>(s3 >> 51);
  const auto low = [](Wide s) { return static_cast<std::uint64_t>(s) & kLimb; };
  const std::uint64_t first = low(s0) + 19 * static_cast<std::uint64_t>(s4 >> 51);
  return {first & kLimb, low(s1) + (first >> 51), low(s2), low(s3), low(s4)};
}

// Schoolbook multiplication. Products of limbs whose weight is 2^255 or more count 19 times at the
// lower position.
Number times(const Number& a, const Number& b) {
  const std::uint64_t b1 = 19 * b[1];
  const std::uint64_t b2 = 19 * b[2];
  const std::uint64_t b3 = 19 * b[3];
  const std::uint64_t b4 = 19 * b[4];
  return reduced(
      wide(a[0], b[0]) + wide(a[1], b4) + wide(a[2], b3) + wide(a[3], b2) + wide(a[4], b1),
      wide(a[0], b[1]) + wide(a[1], b[0]) + wide(a[2], b4) + wide(a[3], b3) + wide(a[4], b2),
      wide(a[0], b[2]) + wide(a[1], b[1]) + wide(a[2], b[0]) + wide(a[3], b4) + wide(a[4], b3),
      wide(a[0], b[3]) + wide(a[1], b[2]) + wide(a[2], b[1]) + wide(a[3], b[0]) + wide(a[4], b4),
      wide(a[0], b[4]) + wide(a[1], b[3]) + wide(a[2], b[2]) + wide(a[3], b[1]) + wide(a[4], b[0]));
}

// Like times(n, n), with each mixed product computed once and doubled.
Number square(const Number& a) {
  const std::uint64_t a3 = 19 * a[3];
  const std::uint64_t a4 = 19 * a[4];
  const std::uint64_t d0 = 2 * a[0];
  const std::uint64_t d1 = 2 * a[1];
  return reduced(wide(a[0], a[0]) + wide(d1, a4) + wide(2 * a[2], a3),
                 wide(d0, a[1]) + wide(2 * a[2], a4) + wide(a[3], a3),
                 wide(d0, a[2]) + wide(a[1], a[1]) + wide(2 * a[3], a4),
                 wide(d0, a[3]) + wide(d1, a[2]) + wide(a[4], a4),
                 wide(d0, a[4]) + wide(d1, a[3]) + wide(a[2], a[2]));
}

// Squares `often` times.
Number squared(Number n, int often) {
  for (; often > 0; --often) n = square(n);
  return n;
}

// Computes n^(p-2), which is the inverse by Fermat's little theorem. kN stands for n^(2^N - 1); the
// addition chain is that of the reference implementation of Curve25519.
Number inverse(const Number& n) {
  const Number n2 = squared(n, 1);
  const Number n9 = times(squared(n2, 2), n);
  const Number n11 = times(n9, n2);
  const Number k5 = times(squared(n11, 1), n9);
  const Number k10 = times(squared(k5, 5), k5);
  const Number k20 = times(squared(k10, 10), k10);
  const Number k40 = times(squared(k20, 20), k20);
  const Number k50 = times(squared(k40, 10), k10);
  const Number k100 = times(squared(k50, 50), k50);
  const Number k200 = times(squared(k100, 100), k100);
  const Number k250 = times(squared(k200, 50), k50);
  return times(squared(k250, 5), n11);
}

// Returns the unique representation below p in 32 bytes. `over` is 1 if the number is p or more;
// adding 19 and dropping bit 255 then subtracts p.
PublicKey encode(Number n) {
  carry(n);
  carry(n);
  std::uint64_t over = (n[0] + 19) >> 51;
  for (std::size_t i = 1; i < 5; ++i) over = (n[i] + over) >> 51;
  n[0] += 19 * over;
  for (std::size_t i = 0; i < 4; ++i) {
    n[i + 1] += n[i] >> 51;
    n[i] &= kLimb;
  }
  n[4] &= kLimb;
  PublicKey data;
  Wide held = 0;
  int bits = 0;
  std::size_t limb = 0;
  for (std::byte& byte : data) {
    if (bits < 8 && limb < 5) {
      held |= static_cast<Wide>(n[limb++]) << bits;
      bits += 51;
    }
    byte = static_cast<std::byte>(static_cast<unsigned char>(held));
    held >>= 8;
    bits -= 8;
  }
  return data;
}

// u = (1 + y) / (1 - y).
PublicKey to_montgomery(const unsigned char* edwards) {
  const Number y = decode(edwards);
  Number above = y;
  above[0] += 1;
  // Computes 2p + 1 - y, so that no limb becomes negative.
  Number below{2 * (kLimb - 18) + 1 - y[0], 2 * kLimb - y[1], 2 * kLimb - y[2], 2 * kLimb - y[3],
               2 * kLimb - y[4]};
  carry(below);
  return encode(times(above, inverse(below)));
}

#endif

}  // namespace

PublicKey times_base_point(ByteView scalar) {
  start_sodium();
#ifdef __SIZEOF_INT128__
  std::array<unsigned char, crypto_core_ed25519_BYTES> point;
  // This function clamps the scalar like X25519. It fails for a scalar of zeros, which X25519
  // accepts; the slower function below then handles it.
  if (crypto_scalarmult_ed25519_base(point.data(), as_uchar(scalar.data())) == 0)
    return to_montgomery(point.data());
#endif
  PublicKey result{};
  crypto_scalarmult_base(as_uchar(result.data()), as_uchar(scalar.data()));
  return result;
}

}  // namespace gw::seal

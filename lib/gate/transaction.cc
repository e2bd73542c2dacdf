#include "gate/transaction.h"

#include <array>

#include "base/secret.h"

namespace gw::gate {

std::string new_transaction() {
  // 32 characters, so that 5 bits of a random byte select one without bias. Letters that look like
  // digits are left out, because people read ids from logs.
  static constexpr char kAlphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
  std::array<std::byte, 10> octets;
  random_octets(octets);
  std::string name;
  for (const std::byte octet : octets) name += kAlphabet[std::to_integer<unsigned>(octet) & 31];
  return name;
}

}  // namespace gw::gate

#include "daemon/session_id.h"

#include <array>

#include "base/secret.h"

namespace gw::daemon {

std::string new_session_id() {
  // 32 characters, so that 5 bits of a random byte select one without bias. Letters that look like
  // digits are left out, because people read ids from logs.
  static constexpr char kAlphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
  std::array<std::byte, 10> data;
  random_bytes(data);
  std::string name;
  for (const std::byte byte : data) name += kAlphabet[std::to_integer<unsigned>(byte) & 31];
  return name;
}

}  // namespace gw::daemon

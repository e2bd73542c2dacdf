#include "base/id.h"

#include "base/secret.h"

namespace gw {

void detail::random_id(std::array<std::byte, 16>& data) {
  random_bytes(data);
}

MessageId new_message_id(Micros time) {
  MessageId id = random_id<MessageId>();
  const auto milliseconds = static_cast<std::uint64_t>(time / 1000);
  // Big-endian, so that ids sort by time.
  for (std::size_t i = 0; i < 6; ++i) id.data[i] = static_cast<std::byte>(milliseconds >> (40 - 8 * i));
  return id;
}

}  // namespace gw

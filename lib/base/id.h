// 128-bit names: of a vault, a mailbox, a message. Written as 32 lower-case hex digits.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"

namespace gw {

// Different tags make different types, so that a mailbox's id is never passed for a message's.
template <class Tag>
struct Id {
  std::array<std::byte, 16> octets{};

  auto operator<=>(const Id&) const = default;
  ByteView view() const { return octets; }
  std::string hex() const { return to_hex(octets); }
  bool zero() const { return *this == Id{}; }
  // The one behind it in their order; none: it is the last.
  std::optional<Id> next() const {
    Id id = *this;
    for (std::size_t at = id.octets.size(); at > 0; --at) {
      std::byte& octet = id.octets[at - 1];
      octet = static_cast<std::byte>(std::to_integer<unsigned>(octet) + 1);
      if (octet != std::byte{0}) return id;
    }
    return std::nullopt;
  }

  static std::optional<Id> parse(std::string_view hex) {
    Id id;
    return from_hex(hex, id.octets) ? std::optional(id) : std::nullopt;
  }
  // From exactly 16 octets; zero where there are not 16.
  static Id from(ByteView octets) {
    Id id;
    if (octets.size() == id.octets.size()) std::copy(octets.begin(), octets.end(), id.octets.begin());
    return id;
  }
};

using VaultId = Id<struct VaultTag>;
using MailboxId = Id<struct MailboxTag>;
using MessageId = Id<struct MessageTag>;

namespace detail {
void random_id(std::array<std::byte, 16>& octets);
}

// 128 random bits: the address of a mailbox is its secret.
template <class T>
T random_id() {
  T id;
  detail::random_id(id.octets);
  return id;
}

// 48 bits of Unix milliseconds, then 80 random bits. The time is a convenience for people, never a promise.
MessageId new_message_id(Micros time);

}  // namespace gw

template <class Tag>
struct std::hash<gw::Id<Tag>> {
  std::size_t operator()(const gw::Id<Tag>& id) const {
    return std::hash<std::string_view>{}(gw::as_text(id.view()));
  }
};

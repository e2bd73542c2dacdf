// 128-bit identifiers of vaults, mailboxes and messages, written as 32 lower-case hex digits.
//
//   const MailboxId id = random_id<MailboxId>();
//   std::optional<MessageId> message = MessageId::parse(text);
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

// Each tag makes a type of its own, so that a mailbox id cannot be passed where a message id is
// expected. Ids are ordered like their bytes, which is also the order of the store's keys.
template <class Tag>
struct Id {
  std::array<std::byte, 16> data{};

  auto operator<=>(const Id&) const = default;
  ByteView view() const { return data; }
  std::string hex() const { return to_hex(data); }
  bool zero() const { return *this == Id{}; }
  // Returns the smallest id that is greater than this one; nullopt if all bits are set.
  std::optional<Id> next() const {
    Id id = *this;
    for (std::size_t at = id.data.size(); at > 0; --at) {
      std::byte& byte = id.data[at - 1];
      byte = static_cast<std::byte>(std::to_integer<unsigned>(byte) + 1);
      if (byte != std::byte{0}) return id;
    }
    return std::nullopt;
  }

  // Returns nullopt unless `hex` is exactly 32 hex digits, in either case.
  static std::optional<Id> parse(std::string_view hex) {
    Id id;
    return from_hex(hex, id.data) ? std::optional(id) : std::nullopt;
  }
  // Returns the id with these 16 bytes; the zero id if `data` has another size.
  static Id from(ByteView data) {
    Id id;
    if (data.size() == id.data.size()) std::copy(data.begin(), data.end(), id.data.begin());
    return id;
  }
};

using VaultId = Id<struct VaultTag>;
using MailboxId = Id<struct MailboxTag>;
using MessageId = Id<struct MessageTag>;

namespace detail {
void random_id(std::array<std::byte, 16>& data);
}

// Returns 128 random bits from the kernel. A mailbox id must be unpredictable: the address made
// from it is the only secret that a sender needs to deliver to the mailbox.
template <class T>
T random_id() {
  T id;
  detail::random_id(id.data);
  return id;
}

// Returns an id of 48 bits of milliseconds since the epoch followed by 80 random bits, so that ids
// sort roughly by time. Nothing may rely on that: the clock can be set, and other sources create
// other ids.
MessageId new_message_id(Micros time);

}  // namespace gw

template <class Tag>
struct std::hash<gw::Id<Tag>> {
  std::size_t operator()(const gw::Id<Tag>& id) const {
    return std::hash<std::string_view>{}(gw::as_text(id.view()));
  }
};

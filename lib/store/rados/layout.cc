#include "store/rados/layout.h"

#include <array>

namespace gw::store::rados {
namespace {

constexpr std::size_t kId = 16;  // bytes

// Bytes of a key before the part that tells the keys of one range apart, and the letter for it.
struct Form {
  std::size_t head = 0;
  std::size_t mailbox = 0;  // where the mailbox is in the head
  std::string prefix;
};

Form form(Family family, ByteView key) {
  const auto letter = [](char c) { return std::string(1, c); };
  switch (family) {
    case Family::Heads:
      return {1 + kId, 1, kState};
    case Family::Records:
      return {1 + kId, 1, letter('r') + to_hex(key.first(1))};
    case Family::Messages: {
      const char tag = static_cast<char>(key.front());
      return {1 + kId, 1, letter(tag == 'r' ? 'q' : tag)};
    }
    case Family::Bodies:
      return {0, kId, letter('b')};
    case Family::History:
      return {kId, 0, letter('l')};
    case Family::Seen:
      return {kId, 0, {}};
  }
  return {};
}

}  // namespace

std::string hex16(std::uint64_t value) {
  ByteWriter writer;
  return to_hex(writer.u64(value).data());
}

std::uint64_t from_hex16(std::string_view text) {
  std::array<std::byte, 8> bytes{};
  if (!from_hex(text, bytes)) return 0;
  return ByteReader(bytes).u64();
}

std::string index_object(const MailboxId& log) {
  return log.zero() ? "v" : "m." + log.hex();
}

std::string block_object(const MailboxId& log, std::uint64_t block) {
  return "h." + log.hex() + "." + hex16(block);
}

std::string seen_object(const MailboxId& mailbox, std::uint8_t shard) {
  return "f." + mailbox.hex() + "." + to_hex(std::as_bytes(std::span(&shard, 1)));
}

Spot spot(Family family, ByteView key) {
  if (family == Family::Bodies || (family == Family::Messages && static_cast<char>(key.front()) == 'i')) {
    // These begin with the message id.
    const std::size_t tag = family == Family::Bodies ? 0 : 1;
    const MailboxId mailbox = MailboxId::from(key.subspan(tag + kId));
    return {index_object(mailbox), (tag == 0 ? "b" : "i") + to_hex(key.subspan(tag, kId))};
  }
  const Form of = form(family, key);
  const MailboxId mailbox = MailboxId::from(key.subspan(of.mailbox, kId));
  const ByteView rest = key.subspan(of.head);
  if (family == Family::Seen)
    return {seen_object(mailbox, std::to_integer<std::uint8_t>(rest.front())), to_hex(rest)};
  return {index_object(mailbox), of.prefix + to_hex(rest)};
}

std::string body_spot(const MessageId& message) {
  return "b" + message.hex();
}

std::string location_spot(const MessageId& message) {
  return "i" + message.hex();
}

Range range(Family family, ByteView from, ByteView end) {
  const Form of = form(family, from);
  Range range;
  range.object = index_object(MailboxId::from(from.subspan(of.mailbox, kId)));
  range.prefix = of.prefix;
  range.head = to_bytes(from.first(of.head));
  const ByteView first = from.subspan(of.head);
  if (!first.empty()) {
    // A page begins after a key, and the first one belongs to the range. No key is between the key
    // with a lower last character and `~`, and the key itself, because `~` is after all characters
    // of keys.
    range.after = of.prefix + to_hex(first);
    --range.after.back();
    range.after += '~';
  }
  // The end of a prefix has another tag or mailbox, and then all keys with the prefix are meant.
  if (end.size() >= of.head && equal(end.first(of.head), range.head))
    range.end = of.prefix + to_hex(end.subspan(of.head));
  return range;
}

Bytes key_at(const Range& range, std::string_view key) {
  Bytes whole = range.head;
  if (const auto rest = from_hex(key.substr(range.prefix.size()))) append(whole, *rest);
  return whole;
}

}  // namespace gw::store::rados

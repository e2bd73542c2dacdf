#include "store/leaf.h"

#include <algorithm>

namespace gw::store {
namespace {

constexpr std::uint8_t kVersion = 1;
// Offset of index and time in the layout.
constexpr std::size_t kPlace = 2;
constexpr std::size_t kPlaceSize = 16;

}  // namespace

// These words are part of the interface: they are in --json output and in gw-vault(7).
std::string_view name(LeafType type) {
  switch (type) {
    case LeafType::Accepted:
      return "accepted";
    case LeafType::Pending:
      return "pending";
    case LeafType::Settled:
      return "settled";
    case LeafType::Unconfirmed:
      return "unconfirmed";
    case LeafType::Discarded:
      return "discarded";
    case LeafType::Drained:
      return "drained";
    case LeafType::Removed:
      return "removed";
    case LeafType::Expired:
      return "expired";
    case LeafType::Undeleted:
      return "undeleted";
    case LeafType::Exported:
      return "exported";
    case LeafType::Quarantined:
      return "quarantined";
    case LeafType::Released:
      return "released";
    case LeafType::Interrupted:
      return "interrupted";
    case LeafType::MailboxMade:
      return "mailbox-made";
    case LeafType::Key:
      return "key";
    case LeafType::Slot:
      return "slot";
    case LeafType::Status:
      return "status";
    case LeafType::Setting:
      return "setting";
    case LeafType::Refused:
      return "refused";
    case LeafType::Opened:
      return "opened";
    case LeafType::VaultMade:
      return "vault-made";
    case LeafType::MailboxRemoved:
      return "mailbox-removed";
    case LeafType::Admin:
      return "admin";
    case LeafType::Route:
      return "route";
    case LeafType::Head:
      return "head";
    case LeafType::Gap:
      return "gap";
    case LeafType::Backup:
      return "backup";
    case LeafType::Restored:
      return "restored";
    case LeafType::Verified:
      return "verified";
  }
  return "?";
}

bool of_message(LeafType type) {
  // See the numbers in LeafType.
  return static_cast<unsigned>(type) < 32;
}

Bytes encode(const Leaf& leaf) {
  // Cuts between two characters, not within one.
  std::size_t end = std::min(leaf.actor.size(), kMaxActor);
  if (end < leaf.actor.size())
    while (end > 0 && (static_cast<unsigned char>(leaf.actor[end]) & 0xc0) == 0x80) --end;
  const std::string_view actor = std::string_view(leaf.actor).substr(0, end);
  ByteWriter writer;
  writer.u8(kVersion)
      .u8(static_cast<std::uint8_t>(leaf.type))
      .u64(leaf.index)
      .u64(static_cast<std::uint64_t>(leaf.time))
      .bytes(leaf.mailbox.view())
      .bytes(leaf.message.view())
      .u64(leaf.value)
      .bytes(leaf.container)
      .bytes(leaf.envelope)
      .bytes(leaf.commitment)
      .u16(static_cast<std::uint16_t>(actor.size()))
      .text(actor);
  return writer.take();
}

// The leaf is encoded by the thread that asks for the change; only these 16 bytes are known later,
// by the leader of the commit.
void place(Bytes& encoded, std::uint64_t index, Micros time) {
  ByteWriter writer;
  writer.u64(index).u64(static_cast<std::uint64_t>(time));
  std::copy(writer.data().begin(), writer.data().end(), encoded.begin() + kPlace);
  static_assert(kPlaceSize == 2 * sizeof(std::uint64_t));
}

Result<Leaf> decode_leaf(ByteView stored) {
  ByteReader reader(stored);
  const std::uint8_t version = reader.u8();
  if (!reader.ok() || version == 0) return Error(Code::Corrupt, "not a leaf of a history");
  // A later version may have another layout, so nothing after the version byte is interpreted.
  if (version != kVersion)
    return Error(Code::Version, "the leaf has version " + std::to_string(version) + ": it needs a newer gw");
  Leaf leaf;
  const std::uint8_t type = reader.u8();
  leaf.type = static_cast<LeafType>(type);
  leaf.index = reader.u64();
  leaf.time = static_cast<Micros>(reader.u64());
  reader.copy(leaf.mailbox.data);
  reader.copy(leaf.message.data);
  leaf.value = reader.u64();
  reader.copy(leaf.container);
  reader.copy(leaf.envelope);
  reader.copy(leaf.commitment);
  const std::uint16_t length = reader.u16();
  leaf.actor = as_text(reader.bytes(length));
  // Trailing bytes are rejected: a leaf has exactly one encoding.
  if (!reader.done() || length > kMaxActor) return Error(Code::Corrupt, "not a leaf of a history");
  if (name(leaf.type) == "?")
    return Error(Code::Version, "the leaf has type " + std::to_string(type) + ": it needs a newer gw");
  return leaf;
}

}  // namespace gw::store

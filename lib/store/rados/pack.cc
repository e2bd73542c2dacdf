#include "store/rados/pack.h"

#include "store/rados/layout.h"

namespace gw::store::rados {
namespace {

constexpr std::string_view kMagic = "gwpack";
constexpr std::uint8_t kPackForm = 1;
constexpr std::size_t kCached = 8 << 20;  // bytes of packs in memory

}  // namespace

PackBuilder::PackBuilder(const VaultId& vault, const MailboxId& mailbox, const PackId& id, char kind)
    : id_(id) {
  ByteWriter writer;
  writer.text(kMagic)
      .u8(kPackForm)
      .bytes(vault.view())
      .bytes(mailbox.view())
      .u8(static_cast<std::uint8_t>(kind));
  data_ = as_text(writer.data());
}

Place PackBuilder::add(ByteView record, ByteView envelope, ByteView container) {
  Place place;
  place.container = container.size();
  return entry(record, envelope, container, place);
}

Place PackBuilder::add_parts(ByteView record, ByteView envelope, std::uint64_t size, std::uint32_t parts,
                             std::uint32_t part_size) {
  Place place;
  place.container = size;
  place.parts = parts;
  place.part_size = part_size;
  count_.parts = parts;
  count_.size += size;
  return entry(record, envelope, {}, place);
}

Place PackBuilder::entry(ByteView record, ByteView envelope, ByteView container, Place place) {
  const std::size_t before = data_.size();
  place.pack = id_;
  place.envelope = static_cast<std::uint32_t>(envelope.size());
  ByteWriter head;
  head.u32(static_cast<std::uint32_t>(record.size())).bytes(record);
  head.u32(place.envelope).u64(place.container).u32(place.parts).u32(place.part_size);
  data_ += as_text(head.data());
  place.offset = data_.size();
  data_ += as_text(envelope);
  data_ += as_text(container);
  place.check = check_of(envelope, container);
  ++count_.all;
  count_.size += data_.size() - before;
  return place;
}

Result<std::vector<PackEntry>> entries_of(std::string_view pack, const VaultId& vault,
                                          const MailboxId& mailbox, const PackId& id) {
  const Error corrupt(Code::Corrupt, "malformed pack " + id.object(mailbox));
  ByteReader reader(as_bytes(pack));
  if (as_text(reader.bytes(kMagic.size())) != kMagic || reader.u8() != kPackForm) return corrupt;
  if (VaultId::from(reader.bytes(16)) != vault || MailboxId::from(reader.bytes(16)) != mailbox)
    return corrupt;
  reader.u8();
  std::vector<PackEntry> entries;
  while (reader.ok() && !reader.rest().empty()) {
    PackEntry entry;
    entry.record = reader.bytes(reader.u32());
    Place& place = entry.place;
    place.pack = id;
    place.envelope = reader.u32();
    place.container = reader.u64();
    place.parts = reader.u32();
    place.part_size = reader.u32();
    place.offset = pack.size() - reader.rest().size();
    const ByteView envelope = reader.bytes(place.envelope);
    const ByteView container = place.parts == 0 ? reader.bytes(place.container) : ByteView();
    place.check = check_of(envelope, container);
    entries.push_back(entry);
  }
  if (!reader.ok()) return corrupt;
  return entries;
}

Result<PackCache::Content> PackCache::read(const std::string& object) {
  {
    const std::lock_guard lock(mutex_);
    for (auto at = entries_.begin(); at != entries_.end(); ++at) {
      if (at->object != object) continue;
      entries_.splice(entries_.begin(), entries_, at);
      return entries_.front().content;
    }
  }
  ReadOp op;
  op.range = ReadOp::Range{};
  Reply reply = context_.cluster.read(Pool::Data, object, std::move(op));
  if (reply.outcome == Outcome::Missing) return Error(Code::NotFound, "the object " + object + " is missing");
  if (!reply.done()) return context_.error(reply, "cannot read " + object);
  const auto content = std::make_shared<const std::string>(std::move(reply.data));
  const std::lock_guard lock(mutex_);
  entries_.push_front({object, content});
  size_ += content->size();
  while (size_ > kCached && entries_.size() > 1) {
    size_ -= entries_.back().content->size();
    entries_.pop_back();
  }
  return content;
}

void PackCache::forget(const std::string& object) {
  const std::lock_guard lock(mutex_);
  entries_.remove_if([&](const Entry& entry) {
    if (entry.object != object) return false;
    size_ -= entry.content->size();
    return true;
  });
}

Result<void> remove_pack(Context& context, const MailboxId& mailbox, const PackId& pack,
                         std::optional<std::uint32_t> parts) {
  const auto remove = [&](const std::string& object) -> Result<void> {
    WriteOp op;
    op.remove = true;
    op.although_full = true;
    const Reply reply = context.cluster.write(Pool::Data, object, std::move(op));
    if (!reply.done() && reply.outcome != Outcome::Missing)
      return context.error(reply, "cannot remove " + object);
    return {};
  };
  if (!parts) {
    // Parts are written in order, two at a time; so two that are missing in a row are the end.
    constexpr std::uint32_t kMissing = 2;
    parts = 0;
    for (std::uint32_t part = 1; part <= *parts + kMissing; ++part) {
      const std::string object = pack.part(mailbox, part);
      ReadOp op;
      op.range = ReadOp::Range{0, 1};
      const Reply reply = context.cluster.read(Pool::Data, object, std::move(op));
      if (reply.done()) {
        parts = part;
      } else if (reply.outcome != Outcome::Missing) {
        return context.error(reply, "cannot read " + object);
      }
    }
  }
  // The last one first, so that a removal that is interrupted leaves no part after a gap.
  for (std::uint32_t part = *parts; part > 0; --part) {
    if (auto removed = remove(pack.part(mailbox, part)); !removed) return removed;
  }
  return remove(pack.object(mailbox));
}

}  // namespace gw::store::rados

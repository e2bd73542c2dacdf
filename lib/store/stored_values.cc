#include "store/stored_values.h"

#include "store/keys.h"

namespace gw::store {
namespace {

constexpr std::uint8_t kStateVersion = 1;

Error malformed(std::string_view what) {
  return Error(Code::Corrupt, "malformed " + std::string(what));
}

}  // namespace

// Increments the last byte that is not 0xff and cuts the rest.
Key after(const Key& prefix) {
  const ByteView data = prefix.view();
  std::size_t size = data.size();
  while (size > 0 && data[size - 1] == std::byte{0xff}) --size;
  Key end;
  if (size == 0) return end.bytes(data).u8(0xff);
  return end.bytes(data.first(size - 1)).u8(static_cast<std::uint8_t>(data[size - 1]) + 1);
}

// A fixed layout instead of protobuf: it is written with each commit, for each history that the
// commit changes.
Bytes encode(const LogState& state) {
  const MailboxStat& stat = state.stat;
  ByteWriter writer;
  writer.u8(kStateVersion).u64(static_cast<std::uint64_t>(state.time)).u64(state.headed).u64(state.oldest);
  writer.u64(stat.live).u64(stat.live_bytes).u64(stat.wire_size).u64(stat.unconfirmed).u64(stat.pending);
  writer.u64(stat.drained).u64(stat.quarantined).u64(stat.accepted);
  writer.u64(static_cast<std::uint64_t>(stat.last_delivery)).u64(static_cast<std::uint64_t>(stat.last_drain));
  return writer.bytes(state.range.encode()).take();
}

Result<LogState> decode_log_state(ByteView stored) {
  ByteReader reader(stored);
  if (reader.u8() != kStateVersion) return malformed("state of a history");
  LogState state;
  state.time = static_cast<Micros>(reader.u64());
  state.headed = reader.u64();
  state.oldest = reader.u64();
  MailboxStat& stat = state.stat;
  for (std::uint64_t* number : {&stat.live, &stat.live_bytes, &stat.wire_size, &stat.unconfirmed,
                                &stat.pending, &stat.drained, &stat.quarantined, &stat.accepted})
    *number = reader.u64();
  stat.last_delivery = static_cast<Micros>(reader.u64());
  stat.last_drain = static_cast<Micros>(reader.u64());
  if (!reader.ok()) return malformed("state of a history");
  auto range = CompactRange::decode(reader.rest());
  if (!range) return range.error();
  state.range = std::move(*range);
  return state;
}

Bytes encode(const MessageLocation& where) {
  ByteWriter writer;
  return writer.u8(where.gone ? static_cast<std::uint8_t>(*where.gone) : 0).u64(where.seq).take();
}

Result<MessageLocation> decode_where(ByteView stored) {
  ByteReader reader(stored);
  const std::uint8_t gone = reader.u8();
  MessageLocation where{reader.u64(), std::nullopt};
  if (gone != 0) where.gone = static_cast<LeafType>(gone);
  if (!reader.done()) return malformed("place of a message");
  return where;
}

Bytes with_version(std::uint64_t version, ByteView value) {
  ByteWriter writer;
  return writer.u64(version).bytes(value).take();
}

Result<Record> without_version(const RecordKey& key, ByteView stored) {
  ByteReader reader(stored);
  Record record{key, {}, reader.u64()};
  if (!reader.ok()) return Error(Code::Corrupt, "the stored record is malformed");
  record.value = to_bytes(reader.rest());
  return record;
}

}  // namespace gw::store

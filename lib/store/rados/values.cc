#include "store/rados/values.h"

#include "store/rados/layout.h"

namespace gw::store::rados {
namespace {

constexpr std::uint8_t kForm = 1;

Error malformed_value(std::string_view what) {
  return Error(Code::Corrupt, "malformed " + std::string(what));
}

std::string taken(ByteWriter& writer) {
  return std::string(as_text(writer.data()));
}

void add(ByteWriter& writer, std::string_view text) {
  writer.u32(static_cast<std::uint32_t>(text.size())).text(text);
}
std::string sized(ByteReader& reader) {
  return std::string(as_text(reader.bytes(reader.u32())));
}

void add(ByteWriter& writer, const Pairs& pairs) {
  writer.u32(static_cast<std::uint32_t>(pairs.size()));
  for (const auto& [key, value] : pairs) {
    add(writer, key);
    add(writer, value);
  }
}
Pairs read_pairs(ByteReader& reader) {
  Pairs pairs;
  for (std::uint32_t left = reader.u32(); left > 0 && reader.ok(); --left) {
    std::string key = sized(reader);
    pairs.insert_or_assign(std::move(key), sized(reader));
  }
  return pairs;
}

}  // namespace

std::string encode(const IndexState& state) {
  ByteWriter writer;
  writer.u8(kForm).u64(state.epoch).u64(state.rolled).bytes(store::encode(state.log));
  return taken(writer);
}

Result<IndexState> decode_index_state(std::string_view stored) {
  ByteReader reader(as_bytes(stored));
  IndexState state;
  if (reader.u8() != kForm) return malformed_value("state of an index");
  state.epoch = reader.u64();
  state.rolled = reader.u64();
  if (!reader.ok()) return malformed_value("state of an index");
  auto log = decode_log_state(reader.rest());
  if (!log) return log.error();
  state.log = std::move(*log);
  return state;
}

std::string PackId::text() const {
  return inc + hex16(number);
}

std::string PackId::object(const MailboxId& mailbox) const {
  return "p." + mailbox.hex() + "." + inc + "." + hex16(number);
}

std::string PackId::part(const MailboxId& mailbox, std::uint64_t part) const {
  return object(mailbox) + "." + hex16(part);
}

PackId pack_of(std::string_view text) {
  if (text.size() != 32) return {};
  return {std::string(text.substr(0, 16)), from_hex16(text.substr(16))};
}

std::string encode(const Place& place) {
  ByteWriter writer;
  writer.u8(kForm).u64(from_hex16(place.pack.inc)).u64(place.pack.number).u64(place.offset);
  writer.u32(place.envelope).u64(place.container).u32(place.parts).u32(place.part_size).u64(place.check);
  return taken(writer);
}

Result<Place> decode_place(std::string_view stored) {
  ByteReader reader(as_bytes(stored));
  Place place;
  if (reader.u8() != kForm) return malformed_value("place of a body");
  place.pack.inc = hex16(reader.u64());
  place.pack.number = reader.u64();
  place.offset = reader.u64();
  place.envelope = reader.u32();
  place.container = reader.u64();
  place.parts = reader.u32();
  place.part_size = reader.u32();
  place.check = reader.u64();
  if (!reader.done() || (place.parts != 0 && place.part_size == 0)) return malformed_value("place of a body");
  return place;
}

std::uint64_t check_of(ByteView envelope, ByteView container) {
  const Digest digest = Sha256().update(envelope).update(container).finish();
  return ByteReader(digest).u64();
}

std::string encode(const PackCount& count) {
  ByteWriter writer;
  writer.u8(kForm).u32(count.living).u32(count.all).u64(count.size).u32(count.parts);
  return taken(writer);
}

Result<PackCount> decode_pack_count(std::string_view stored) {
  ByteReader reader(as_bytes(stored));
  PackCount count;
  if (reader.u8() != kForm) return malformed_value("count of a pack");
  count.living = reader.u32();
  count.all = reader.u32();
  count.size = reader.u64();
  count.parts = reader.u32();
  if (!reader.done()) return malformed_value("count of a pack");
  return count;
}

std::string encode(const PackNumbers& numbers) {
  ByteWriter writer;
  writer.u64(numbers.low).u64(numbers.reserved);
  return taken(writer);
}

Result<PackNumbers> decode_pack_numbers(std::string_view stored) {
  ByteReader reader(as_bytes(stored));
  PackNumbers numbers;
  numbers.low = reader.u64();
  numbers.reserved = reader.u64();
  if (!reader.done()) return malformed_value("numbers of packs");
  return numbers;
}

std::string encode(const std::string& object, const WriteOp& op) {
  ByteWriter writer;
  writer.u8(kForm);
  add(writer, object);
  writer.u8(op.create ? 1 : 0);
  add(writer, op.attribute_is);
  add(writer, op.key_is);
  writer.u32(static_cast<std::uint32_t>(op.erase.size()));
  for (const std::string& key : op.erase) add(writer, key);
  writer.u32(static_cast<std::uint32_t>(op.erase_ranges.size()));
  for (const auto& [first, end] : op.erase_ranges) {
    add(writer, first);
    add(writer, end);
  }
  add(writer, op.set);
  add(writer, op.set_attributes);
  return taken(writer);
}

Result<StoredWrite> decode_write(std::string_view stored) {
  ByteReader reader(as_bytes(stored));
  StoredWrite write;
  if (reader.u8() != kForm) return malformed_value("intent");
  write.object = sized(reader);
  WriteOp& op = write.op;
  op.create = reader.u8() != 0;
  op.attribute_is = read_pairs(reader);
  op.key_is = read_pairs(reader);
  for (std::uint32_t left = reader.u32(); left > 0 && reader.ok(); --left) op.erase.push_back(sized(reader));
  for (std::uint32_t left = reader.u32(); left > 0 && reader.ok(); --left) {
    std::string first = sized(reader);
    op.erase_ranges.emplace_back(std::move(first), sized(reader));
  }
  op.set = read_pairs(reader);
  op.set_attributes = read_pairs(reader);
  if (!reader.done()) return malformed_value("intent");
  return write;
}

}  // namespace gw::store::rados

// The values in the objects of a RadosStore that no other store has (layout.h). Fixed big-endian
// layouts; the decoders fail with Corrupt if the bytes are not such a value.
#pragma once

#include <cstdint>
#include <string>

#include "store/rados/cluster.h"
#include "store/stored_values.h"

namespace gw::store::rados {

// The state of an index beside its mailbox record. Written with every change.
struct IndexState {
  std::uint64_t epoch = 0;   // as Entry::epoch
  std::uint64_t rolled = 0;  // leaves that are in `h` objects
  LogState log;
};
std::string encode(const IndexState& state);
Result<IndexState> decode_index_state(std::string_view stored);

// A pack of a mailbox.
struct PackId {
  std::string inc;
  std::uint64_t number = 0;

  std::string text() const;  // INC and number in hex, as in the keys `k` and `t`
  std::string object(const MailboxId& mailbox) const;
  std::string part(const MailboxId& mailbox, std::uint64_t part) const;
  auto operator<=>(const PackId&) const = default;
};
PackId pack_of(std::string_view text);  // of PackId::text()

// Where the body of a message or a removal record is. Its envelope (or the record) is at `offset` of
// the pack, and the container after it, unless that is in parts.
struct Place {
  PackId pack;
  std::uint64_t offset = 0;
  std::uint32_t envelope = 0;   // bytes
  std::uint64_t container = 0;  // bytes
  std::uint32_t parts = 0;      // number of parts; 0: the container is in the pack
  std::uint32_t part_size = 0;  // of all parts but the last
  std::uint64_t check = 0;      // see check_of()
};
std::string encode(const Place& place);
Result<Place> decode_place(std::string_view stored);
// Returns the first bytes of the SHA-256 of what a place names in its pack.
std::uint64_t check_of(ByteView envelope, ByteView container);

struct PackCount {
  std::uint32_t living = 0;  // entries that a key names
  std::uint32_t all = 0;     // entries in the pack
  std::uint64_t size = 0;    // bytes, with the parts
  std::uint32_t parts = 0;
};
std::string encode(const PackCount& count);
Result<PackCount> decode_pack_count(std::string_view stored);

// The numbers of a keeper's packs in one mailbox, see layout.h.
struct PackNumbers {
  std::uint64_t low = 0;
  std::uint64_t reserved = 0;
};
std::string encode(const PackNumbers& numbers);
Result<PackNumbers> decode_pack_numbers(std::string_view stored);

// The stored form of a write for an intent: its conditions, keys and attributes.
std::string encode(const std::string& object, const WriteOp& op);
struct StoredWrite {
  std::string object;
  WriteOp op;
};
Result<StoredWrite> decode_write(std::string_view stored);

}  // namespace gw::store::rados

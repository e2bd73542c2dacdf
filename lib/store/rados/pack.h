// Packs: immutable objects with the bodies of messages that were stored together, or with removal
// records.
//
//   `gwpack` u8 version   16 vault   16 mailbox   u8 kind (`m` or `r`)
//   then for each entry:  u32 size, MessageRecord or RemovalRecord   u32 size of the envelope
//                         u64 size of the container   u32 parts   u32 size of a part
//                         envelope   container, unless it is in parts
//
// So a pack tells without its index what is in it. Seq and state of its records are not those of the
// messages now. A removal record is an entry with itself as the envelope.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "store/rados/context.h"
#include "store/rados/values.h"

namespace gw::store::rados {

inline constexpr std::uint64_t kPackSize = 4 << 20;        // bytes after which a pack takes no more entries
inline constexpr std::size_t kPackEntries = 512;           // most entries of a pack
inline constexpr std::uint64_t kPartSize = 4 << 20;        // bytes of a part of a large container
inline constexpr std::uint64_t kLargeContainer = 1 << 20;  // containers of at least this size are in parts

class PackBuilder {
 public:
  PackBuilder(const VaultId& vault, const MailboxId& mailbox, const PackId& id, char kind);
  // Adds an entry and returns its place. `container` is empty if it is in parts.
  Place add(ByteView record, ByteView envelope, ByteView container);
  // The same for an entry with parts; `size` is that of the container.
  Place add_parts(ByteView record, ByteView envelope, std::uint64_t size, std::uint32_t parts,
                  std::uint32_t part_size);
  std::size_t size() const { return data_.size(); }
  PackCount count() const { return count_; }
  // Moves the content out.
  std::string take() { return std::move(data_); }

 private:
  Place entry(ByteView record, ByteView envelope, ByteView container, Place place);

  std::string data_;
  PackId id_;
  PackCount count_;
};

// One entry of a pack.
struct PackEntry {
  ByteView record;
  Place place;
};
// Returns the entries of a pack. Fails with Corrupt if it is not one of this mailbox.
Result<std::vector<PackEntry>> entries_of(std::string_view pack, const VaultId& vault,
                                          const MailboxId& mailbox, const PackId& id);

// Reads packs and parts, and keeps those that were read last. Thread-safe.
class PackCache {
 public:
  explicit PackCache(Context& context) : context_(context) {}

  using Content = std::shared_ptr<const std::string>;
  // Returns the content of an object of the data pool. Fails with NotFound if there is none.
  Result<Content> read(const std::string& object);
  void forget(const std::string& object);

 private:
  struct Entry {
    std::string object;
    Content content;
  };
  Context& context_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // the one read last first
  std::size_t size_ = 0;
};

// Removes the objects of a pack; those that are missing count as removed. `parts` nullopt: as many as
// there are.
Result<void> remove_pack(Context& context, const MailboxId& mailbox, const PackId& pack,
                         std::optional<std::uint32_t> parts);

}  // namespace gw::store::rados

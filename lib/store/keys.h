// The keys of the database, by family. They contain ids and hashes, never an address, and
// numbers in big-endian, so that their byte order is their numeric order.
//
//   heads     'c' -> commit point    'h' log -> LogState    'k' -> kept time, wall time
//   records   kind, mailbox, name -> version, value
//   messages  'i' message, mailbox -> MessageLocation
//             'm' mailbox, seq -> MessageRecord
//             'p' mailbox, seq -> message: index of pending messages
//             'd' mailbox, changed, seq -> kept time: index of drained messages, oldest first
//             'r' mailbox, message -> RemovalRecord
//             'x' mailbox, gone, message -> kept time: index of removal records, oldest first
//   bodies    message, mailbox -> container, envelope, trailer
//   history   log, index -> leaf
//   seen      mailbox, fingerprint -> message
//
// A key that is never listed by mailbox begins with the message id. Ids begin with their time, so
// new keys sort after old ones, and old bodies lie together in files that become empty as a whole.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/digest.h"
#include "store/record.h"

namespace gw::store {

// The families of keys. In RocksDB each is a column family.
enum class Family : unsigned char { Heads, Records, Messages, Bodies, History, Seen };
inline constexpr std::size_t kFamilies = 6;

// A key on the stack, built piece by piece. Bytes beyond its capacity of 160 are cut; the longest
// key, of a record, has 145. Converts to a view that is valid as long as the Key.
class Key {
 public:
  Key() = default;
  explicit Key(char tag) { u8(static_cast<std::uint8_t>(tag)); }

  Key& u8(std::uint8_t value) { return bytes(std::as_bytes(std::span(&value, 1))); }
  Key& u64(std::uint64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8) u8(static_cast<std::uint8_t>(value >> shift));
    return *this;
  }
  template <class Tag>
  Key& id(const Id<Tag>& value) {
    return bytes(value.view());
  }
  Key& bytes(ByteView value) {
    value = value.first(std::min(value.size(), data_.size() - size_));
    std::copy(value.begin(), value.end(), data_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += value.size();
    return *this;
  }
  ByteView view() const { return std::span(data_).first(size_); }
  operator ByteView() const { return view(); }

 private:
  std::array<std::byte, 160> data_;
  std::size_t size_ = 0;
};

// One function for each kind of key above.
inline Key commit_key() {
  return Key('c');
}
inline Key kept_key() {
  return Key('k');
}
inline Key head_key(const MailboxId& log) {
  return Key('h').id(log);
}
inline Key record_key(const RecordKey& key) {
  return Key().u8(static_cast<std::uint8_t>(key.kind)).id(key.mailbox).bytes(as_bytes(key.name));
}
inline Key where_key(const MessageId& message, const MailboxId& mailbox) {
  return Key('i').id(message).id(mailbox);
}
inline Key message_key(const MailboxId& mailbox, std::uint64_t seq) {
  return Key('m').id(mailbox).u64(seq);
}
inline Key pending_key(const MailboxId& mailbox, std::uint64_t seq) {
  return Key('p').id(mailbox).u64(seq);
}
inline Key drained_key(const MailboxId& mailbox, Micros changed, std::uint64_t seq) {
  return Key('d').id(mailbox).u64(static_cast<std::uint64_t>(changed)).u64(seq);
}
inline Key removal_record_key(const MailboxId& mailbox, const MessageId& message) {
  return Key('r').id(mailbox).id(message);
}
inline Key removal_time_key(const MailboxId& mailbox, Micros gone, const MessageId& message) {
  return Key('x').id(mailbox).u64(static_cast<std::uint64_t>(gone)).id(message);
}
inline Key body_key(const MessageId& message, const MailboxId& mailbox) {
  return Key().id(message).id(mailbox);
}
inline Key leaf_key(const MailboxId& log, std::uint64_t index) {
  return Key().id(log).u64(index);
}
inline Key seen_key(const MailboxId& mailbox, const Digest& fingerprint) {
  return Key().id(mailbox).bytes(fingerprint);
}

// Returns the kept time (store/kept_time.h) in the value of a `d` or `x` entry; nullopt if it has
// none, because salvage or a version that did not count kept time wrote it.
inline std::optional<Micros> kept_of(ByteView value) {
  ByteReader reader(value);
  const auto kept = static_cast<Micros>(reader.u64());
  return reader.ok() ? std::optional(kept) : std::nullopt;
}

// Returns the first key after all keys that begin with `prefix`. The prefix must not consist of
// 0xff only.
Key after(const Key& prefix);

}  // namespace gw::store

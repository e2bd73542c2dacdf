// The values of the database that are no records of store/record.h: the states of histories, where
// messages are, and small records with their versions. keys.h has their keys.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "store/merkle.h"
#include "store/store.h"

namespace gw::store {

// The state of one history. Stored once for each batch that changed it.
struct LogState {
  CompactRange range;        // over all leaves
  Micros time = 0;           // of the last leaf
  std::uint64_t headed = 0;  // size that the last Head leaf recorded
  std::uint64_t oldest = 0;  // no live message has a lower seq; a lower bound, not exact
  MailboxStat stat;          // counters; `oldest` and `log_size` are not used

  LogHead head() const { return {range.size(), range.root(), time}; }
};
Bytes encode(const LogState& state);
Result<LogState> decode_log_state(ByteView stored);

// Where a message id leads. Kept after the message is gone, because ids are never used again.
struct MessageLocation {
  std::uint64_t seq = 0;         // the last one it had
  std::optional<LeafType> gone;  // how the message left; nullopt while it is present
};
Bytes encode(const MessageLocation& where);
Result<MessageLocation> decode_where(ByteView stored);

// The state of a mailbox or of the vault.
struct Entry {
  // null for the vault's own history and for a removed mailbox. Never changed in place, so readers
  // may keep it.
  std::shared_ptr<const MailboxRecord> record;
  LogState log;
  std::uint64_t epoch = 0;  // grows when a change affects a message that was there already
};
using Entries = std::map<MailboxId, Entry>;

// Return the stored form of a record's value, with its version first, and parse it again.
// without_version() fails with Corrupt if the value is too short.
Bytes with_version(std::uint64_t version, ByteView value);
Result<Record> without_version(const RecordKey& key, ByteView stored);

}  // namespace gw::store

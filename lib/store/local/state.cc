#include "store/local/state.h"

#include <algorithm>
#include <mutex>

#include "store/local/keys.h"

namespace gw::store {
namespace {

constexpr std::uint8_t kVersion = 1;

Error corrupt(std::string_view what) {
  return Error(Code::Corrupt, "malformed " + std::string(what));
}

bool has_token(const Entry& entry) {
  return entry.record != nullptr && entry.record->token_hash.has_value();
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
  writer.u8(kVersion).u64(static_cast<std::uint64_t>(state.time)).u64(state.headed).u64(state.oldest);
  writer.u64(stat.live).u64(stat.live_bytes).u64(stat.wire_size).u64(stat.unconfirmed).u64(stat.pending);
  writer.u64(stat.drained).u64(stat.quarantined).u64(stat.accepted);
  writer.u64(static_cast<std::uint64_t>(stat.last_delivery)).u64(static_cast<std::uint64_t>(stat.last_drain));
  return writer.bytes(state.range.encode()).take();
}

Result<LogState> decode_log_state(ByteView stored) {
  ByteReader reader(stored);
  if (reader.u8() != kVersion) return corrupt("state of a history");
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
  if (!reader.ok()) return corrupt("state of a history");
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
  if (!reader.done()) return corrupt("place of a message");
  return where;
}

std::optional<Entry> Table::find(const MailboxId& log) const {
  const std::shared_lock lock(mutex_);
  const auto found = entries_.find(log);
  if (found == entries_.end()) return std::nullopt;
  return found->second;
}

Result<Entry> Table::mailbox(const MailboxId& mailbox) const {
  auto found = find(mailbox);
  if (!found || !found->record) return Error(Code::NotFound, "no such mailbox");
  return std::move(*found);
}

Result<std::uint64_t> Table::epoch(const MailboxId& mailbox) const {
  const std::shared_lock lock(mutex_);
  const auto found = entries_.find(mailbox);
  if (found == entries_.end() || !found->second.record) return Error(Code::NotFound, "no such mailbox");
  return found->second.epoch;
}

std::vector<MailboxId> Table::logs() const {
  const std::shared_lock lock(mutex_);
  std::vector<MailboxId> all;
  for (const auto& [id, entry] : entries_) all.push_back(id);
  std::sort(all.begin(), all.end());
  return all;
}

std::vector<std::shared_ptr<const MailboxRecord>> Table::mailboxes() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::shared_ptr<const MailboxRecord>> all;
  for (const auto& [id, entry] : entries_) {
    if (entry.record) all.push_back(entry.record);
  }
  return all;
}

std::size_t Table::count() const {
  const std::shared_lock lock(mutex_);
  return count_;
}

std::size_t Table::senders() const {
  const std::shared_lock lock(mutex_);
  return senders_;
}

void Table::publish(Entries&& changed) {
  const std::unique_lock lock(mutex_);
  for (auto& [id, entry] : changed) {
    Entry& known = entries_[id];
    // The counters are kept along, so that health() need not go through all mailboxes.
    count_ += static_cast<std::size_t>(entry.record != nullptr);
    count_ -= static_cast<std::size_t>(known.record != nullptr);
    senders_ += static_cast<std::size_t>(has_token(entry));
    senders_ -= static_cast<std::size_t>(has_token(known));
    known = std::move(entry);
  }
}

void Table::set_oldest(const MailboxId& mailbox, std::uint64_t epoch, std::uint64_t seq) {
  const std::unique_lock lock(mutex_);
  const auto found = entries_.find(mailbox);
  if (found != entries_.end() && found->second.epoch == epoch)
    // Never lower: two threads may have searched at the same time.
    found->second.log.oldest = std::max(found->second.log.oldest, seq);
}

}  // namespace gw::store

#include "store/message_changes.h"

#include <algorithm>
#include <set>

namespace gw::store {
namespace {

void leave_removal_record(Transaction& transaction, const MailboxId& mailbox, const MessageRecord& record,
                          const Moving& moving) {
  auto swept = moving.remains ? moving.remains(record) : std::nullopt;
  if (!swept) return;
  swept->record = record;
  swept->gone = transaction.state(mailbox)->log.time;
  transaction.put(Family::Messages, removal_record_key(mailbox, record.id), encode(*swept));
  ByteWriter kept;
  kept.u64(static_cast<std::uint64_t>(moving.kept));
  transaction.put(Family::Messages, removal_time_key(mailbox, swept->gone, record.id), kept.data());
}

}  // namespace

Result<MessageLocation> location_of(const Reader& reader, const MailboxId& mailbox,
                                    const MessageId& message) {
  auto stored = reader.get(Family::Messages, where_key(message, mailbox));
  if (!stored) return stored.error();
  if (!*stored) return Error(Code::NotFound, "no such message");
  return decode_where(as_bytes(**stored));
}

Result<std::optional<MessageRecord>> message_at(const Reader& reader, const MailboxId& mailbox,
                                                std::uint64_t seq) {
  auto stored = reader.get(Family::Messages, message_key(mailbox, seq));
  if (!stored) return stored.error();
  if (!*stored) return std::optional<MessageRecord>();
  auto record = decode_message(as_bytes(**stored));
  if (!record) return record.error();
  return std::optional<MessageRecord>(std::move(*record));
}

Result<MessageRecord> find_message(const Reader& reader, const MailboxId& mailbox, const MessageId& id) {
  // The two reads are not from one moment. A message that settles between them has a new seq, under
  // which it is looked for again.
  for (int tries = 0; tries < 3; ++tries) {
    auto place = location_of(reader, mailbox, id);
    if (!place) return place.error();
    if (place->gone) break;
    auto record = message_at(reader, mailbox, place->seq);
    if (!record) return record.error();
    if (*record) return **record;
  }
  return Error(Code::NotFound, "no such message");
}

Result<void> check_unused(const Reader& reader, const MailboxId& mailbox, const MessageId& message) {
  // An id is never used again: the entry stays after the message is gone, so a message that was
  // removed cannot come back by a repeated commit.
  auto known = reader.get(Family::Messages, where_key(message, mailbox));
  if (!known) return known.error();
  if (*known) return Error(Code::Exists, "the mailbox already has a message with this id");
  return {};
}

Result<bool> was_seen(const Reader& reader, const MailboxId& mailbox, const Digest& fingerprint) {
  auto stored = reader.get(Family::Seen, seen_key(mailbox, fingerprint));
  if (!stored) return stored.error();
  if (!*stored) return false;
  auto place = location_of(reader, mailbox, MessageId::from(as_bytes(**stored)));
  if (!place) return place.error();
  // A discarded message was not kept. If its fingerprint counted, a second delivery of the mail
  // would be taken for a duplicate and no copy of it would exist.
  return place->gone != LeafType::Discarded;
}

Result<Entry*> accepting(Transaction& transaction, const MailboxId& mailbox, const Commit& commit) {
  // Checked with the state that the transaction so far leaves: quota and suspension hold at the
  // moment of the commit, even if many messages arrive in one.
  Entry* entry = transaction.state(mailbox);
  if (entry == nullptr || !entry->record) return Error(Code::NotFound, "no such mailbox");
  if (auto welcome = may_accept(*entry->record, entry->log.stat, commit); !welcome) return welcome.error();
  return entry;
}

void add_message(Transaction& transaction, const MailboxId& mailbox, Entry& entry, const Commit& commit,
                 Bytes& leaf, MessageRecord& record) {
  // The index of the leaf is the seq: messages are ordered as the history orders them, not by the
  // clock.
  record.seq = transaction.leaf(mailbox, leaf);
  record.changed = entry.log.time;
  count_in(entry.log.stat, record);
  ++entry.log.stat.accepted;
  entry.log.stat.last_delivery = record.changed;
  transaction.put(Family::Messages, message_key(mailbox, record.seq), encode(record));
  transaction.put(Family::Messages, where_key(record.id, mailbox),
                  encode(MessageLocation{record.seq, std::nullopt}));
  if (commit.pending) transaction.put(Family::Messages, pending_key(mailbox, record.seq), record.id.view());
  // In the same transaction as the message: a fingerprint without its message would make gw-proxy
  // drop mail as a duplicate.
  for (const Digest& fingerprint : commit.fingerprints)
    transaction.put(Family::Seen, seen_key(mailbox, fingerprint), record.id.view());
}

Result<std::vector<MessageRecord>> examine(const Reader& reader, const Transition& transition,
                                           const Step& step) {
  std::vector<MessageRecord> changing;
  std::set<MessageId> named;
  for (const MessageId& id : transition.messages) {
    auto place = location_of(reader, transition.mailbox, id);
    if (!place) return place.error();
    LocationInfo whereabouts;
    std::optional<MessageRecord> record;
    if (place->gone) {
      whereabouts.gone = *place->gone;
    } else {
      auto found = message_at(reader, transition.mailbox, place->seq);
      if (!found) return found.error();
      // The message moved between the two reads, so the caller examines again.
      if (!*found) return Error(Code::Busy, "the message is being changed");
      record = std::move(*found);
      whereabouts.state = record->state;
    }
    auto changes = applies(step, whereabouts);
    if (!changes) return changes.error();
    // An id that is named twice changes once.
    if (*changes && named.insert(id).second) changing.push_back(std::move(*record));
  }
  return changing;
}

void move_message(Transaction& transaction, const MailboxId& mailbox, MessageRecord record,
                  const Moving& moving) {
  const Step& step = moving.step;
  Entry& entry = *transaction.state(mailbox);
  MailboxStat& stat = entry.log.stat;
  // Counters and index entries are removed by the old record and added by the new one, so that they
  // cannot drift apart.
  count_out(stat, record);
  if (record.state == State::Pending) transaction.erase(Family::Messages, pending_key(mailbox, record.seq));
  if (record.state == State::Drained)
    transaction.erase(Family::Messages, drained_key(mailbox, record.changed, record.seq));
  const std::uint64_t index =
      transaction.leaf(mailbox, message_leaf(step.leaf, mailbox, record, moving.actor));
  // Invalidates what other threads have read of this mailbox's messages, see examine().
  ++entry.epoch;
  if (step.to == State::Drained) stat.last_drain = entry.log.time;
  LeafType gone = step.leaf;
  const bool at_once = removed_immediately(step, *entry.record, moving.together);
  // The history shows both events: the message was drained, then removed.
  if (at_once) {
    gone = LeafType::Removed;
    transaction.leaf(mailbox, message_leaf(gone, mailbox, record, moving.actor));
  }
  if (!step.to || at_once) {
    transaction.erase(Family::Messages, message_key(mailbox, record.seq));
    transaction.erase(Family::Bodies, body_key(record.id, mailbox));
    // The location stays for ever, so that the id is not accepted again.
    transaction.put(Family::Messages, where_key(record.id, mailbox),
                    encode(MessageLocation{record.seq, gone}));
    if (leaves_removal_record(step, *entry.record, moving.together))
      leave_removal_record(transaction, mailbox, record, moving);
    return;
  }
  record.state = *step.to;
  record.changed = entry.log.time;
  // A message becomes visible at the end of the list and not at the place of its arrival: a POP3
  // client that keeps the last number it has seen would never fetch it there.
  if (step.reveals) {
    transaction.erase(Family::Messages, message_key(mailbox, record.seq));
    record.seq = index;
    transaction.put(Family::Messages, where_key(record.id, mailbox),
                    encode(MessageLocation{record.seq, std::nullopt}));
  }
  // The bound must stay valid if an old message becomes live again.
  if (record.state == State::Live) entry.log.oldest = std::min(entry.log.oldest, record.seq);
  // The index by which a sweep finds what is due without reading every message.
  if (record.state == State::Drained) {
    ByteWriter since;
    since.u64(static_cast<std::uint64_t>(moving.kept));
    transaction.put(Family::Messages, drained_key(mailbox, record.changed, record.seq), since.data());
  }
  transaction.put(Family::Messages, message_key(mailbox, record.seq), encode(record));
  count_in(stat, record);
}

}  // namespace gw::store

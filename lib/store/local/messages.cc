// Changes of the state of messages.
#include <algorithm>

#include "store/local/local_store_private.h"

namespace gw::store {
namespace {

constexpr std::size_t kMoved = 640;  // about the bytes that one message's change adds to a batch

}  // namespace

// The messages that a transition changes, as they were at an epoch of the mailbox.
struct LocalStore::Examined {
  std::uint64_t epoch = 0;
  std::vector<MessageRecord> changing;
};

// Reads which of the messages the step changes. The result is true as long as the mailbox has the
// same epoch. Fails with Busy if a message is changing at this moment.
Result<LocalStore::Examined> LocalStore::examine(const Transition& transition, const Step& step) const {
  auto epoch = table_.epoch(transition.mailbox);
  if (!epoch) return epoch.error();
  Examined examined{*epoch, {}};
  std::set<MessageId> named;
  for (const MessageId& id : transition.messages) {
    auto place = where(transition.mailbox, id);
    if (!place) return place.error();
    LocationInfo whereabouts;
    std::optional<MessageRecord> record;
    if (place->gone) {
      whereabouts.gone = *place->gone;
    } else {
      auto found = message(transition.mailbox, place->seq);
      if (!found) return found.error();
      // The message moved between the two reads. The epoch has changed by then, so the caller
      // examines again.
      if (!*found) return Error(Code::Busy, "the message is being changed");
      record = std::move(*found);
      whereabouts.state = record->state;
    }
    auto changes = applies(step, whereabouts);
    if (!changes) return changes.error();
    // An id that is named twice changes once.
    if (*changes && named.insert(id).second) examined.changing.push_back(std::move(*record));
  }
  return examined;
}

Result<std::size_t> LocalStore::transition(const Transition& transition) {
  auto wanted = step(transition.from, transition.to);
  if (!wanted) return wanted.error();
  if (transition.messages.size() > limits().batch)
    return Error(Code::BadInput, "too many messages in one transition");
  const MailboxId& mailbox = transition.mailbox;
  const auto under_lease = [&]() -> Result<void> {
    if (transition.lease == nullptr) return {};
    return leases_.check(mailbox, *transition.lease);
  };
  if (auto known = table_.epoch(mailbox); !known) return known.error();
  if (auto held = under_lease(); !held) return held.error();
  // Read before queueing, so that the leader, for which every other change waits, need not read the
  // database. The epoch tells the leader whether the result is still true. A refusal here is final:
  // it was true at this moment.
  auto examined = examine(transition, *wanted);
  if (!examined && examined.error().code() != Code::Busy) return examined.error();
  if (examined && examined->changing.empty()) return 0;

  // Bodies for removal records are read here for the same reason.
  Remains remains;
  if (examined) remains = remains_of(mailbox, examined->changing, *wanted);
  const std::size_t size = kMoved * transition.messages.size() + remains.size;
  auto changed = change(size, [&](Batch& batch) -> Result<ChangeResult> {
    // Two functions in one batch must not change the same messages: the second one would read the
    // state from before the first.
    if (!batch.claim_messages(mailbox)) return ChangeResult::NextBatch;
    const Entry* entry = batch.at(mailbox);
    if (entry == nullptr || !entry->record) return Error(Code::NotFound, "no such mailbox");
    // Checked again: a lease that expired while this waited belongs to another client now, which
    // has seen the messages as live.
    if (auto held = under_lease(); !held) return held.error();
    if (!examined || examined->epoch != entry->epoch) examined = examine(transition, *wanted);
    // Nothing can be changing now, since changes are made by this thread only.
    if (!examined && examined.error().code() == Code::Busy)
      return Error(Code::Corrupt, "the record of a message is missing");
    if (!examined) return examined.error();
    if (transition.token) {
      for (const MessageRecord& record : examined->changing) {
        if (auto right = receipts_.check(mailbox, record.id, *transition.token); !right) return right.error();
      }
    }
    const Moment at = moment();
    const Changes changes{*wanted, transition.actor, at.kept, examined->changing.size(), remains};
    for (const MessageRecord& record : examined->changing) move(batch, mailbox, record, changes);
    // In the same batch as the drained messages, so that no kept time in the database is ahead of
    // the stored clock.
    if (wanted->to == State::Drained) note_kept(batch, at);
    return ChangeResult::Done;
  });
  if (!changed) return changed.error();
  // After the commit: a file that was removed before it would be missing if the commit failed.
  release(mailbox, examined->changing, *wanted);
  return examined->changing.size();
}

void LocalStore::move(Batch& batch, const MailboxId& mailbox, MessageRecord record, const Changes& changes) {
  const auto& [step, actor, kept, together, remains] = changes;
  Entry& entry = *batch.at(mailbox);
  MailboxStat& stat = entry.log.stat;
  // Counters and index entries are removed by the old record and added by the new one, so that they
  // cannot drift apart.
  count_out(stat, record);
  if (record.state == State::Pending) batch.erase(Family::Messages, pending_key(mailbox, record.seq));
  if (record.state == State::Drained)
    batch.erase(Family::Messages, drained_key(mailbox, record.changed, record.seq));
  const std::uint64_t index = batch.leaf(mailbox, message_leaf(step.leaf, mailbox, record, actor));
  // Invalidates what other threads have read of this mailbox's messages, see examine().
  ++entry.epoch;
  if (step.to == State::Drained) stat.last_drain = entry.log.time;
  LeafType gone = step.leaf;
  const bool at_once = removed_immediately(step, *entry.record, together);
  // The history shows both events: the message was drained, then removed.
  if (at_once) {
    gone = LeafType::Removed;
    batch.leaf(mailbox, message_leaf(gone, mailbox, record, actor));
  }
  if (!step.to || at_once) {
    batch.erase(Family::Messages, message_key(mailbox, record.seq));
    batch.erase(Family::Bodies, body_key(record.id, mailbox));
    // The Where entry stays for ever, so that the id is not accepted again.
    batch.put(Family::Messages, where_key(record.id, mailbox), encode(MessageLocation{record.seq, gone}));
    if (leaves_receipt(step, *entry.record, together)) leave_receipt(batch, mailbox, record, changes);
    return;
  }
  record.state = *step.to;
  record.changed = entry.log.time;
  // A message becomes visible at the end of the list and not at the place of its arrival: a POP3
  // client that keeps the last number it has seen would never fetch it there.
  if (step.reveals) {
    batch.erase(Family::Messages, message_key(mailbox, record.seq));
    record.seq = index;
    batch.put(Family::Messages, where_key(record.id, mailbox),
              encode(MessageLocation{record.seq, std::nullopt}));
  }
  // The bound must stay valid if an old message becomes live again.
  if (record.state == State::Live) entry.log.oldest = std::min(entry.log.oldest, record.seq);
  // The index by which a sweep finds what is due without reading every message.
  if (record.state == State::Drained) {
    ByteWriter since;
    since.u64(static_cast<std::uint64_t>(kept));
    batch.put(Family::Messages, drained_key(mailbox, record.changed, record.seq), since.data());
  }
  batch.put(Family::Messages, message_key(mailbox, record.seq), encode(record));
  count_in(stat, record);
}

void LocalStore::release(const MailboxId& mailbox, const std::vector<MessageRecord>& messages,
                         const Step& step) {
  // Drained messages of a mailbox without a grace period are gone too. The mailbox's setting may
  // have changed since, so each message's Where entry is asked.
  const bool perhaps_gone = !step.to || step.to == State::Drained;
  for (const MessageRecord& record : messages) {
    if (record.state == State::Pending) receipts_.forget(mailbox, record.id);
    if (!perhaps_gone) continue;
    if (step.to) {
      const auto place = where(mailbox, record.id);
      if (!place || !place->gone) continue;
    }
    bodies_.forget(mailbox, record.id);
    if (record.large) large_->remove(record.id);
    // Tells the upkeep thread that there is space to reclaim.
    deleted_ = true;
  }
}

}  // namespace gw::store

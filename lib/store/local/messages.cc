// Messages: changes of state, and the way out of the vault.
#include <algorithm>

#include "store/local/store_on_disk.h"

namespace gw::store {
namespace {

constexpr std::size_t kMoved = 640;  // about what a change of state adds for each message

}  // namespace

struct LocalStore::Examined {
  std::uint64_t epoch = 0;
  std::vector<MessageRecord> changing;
};

// Which of the messages the step changes. True as long as the mailbox's epoch is the one in it.
Result<LocalStore::Examined> LocalStore::examine(const Transition& transition, const Step& step) const {
  auto epoch = table_.epoch(transition.mailbox);
  if (!epoch) return epoch.error();
  Examined examined{*epoch, {}};
  std::set<MessageId> named;
  for (const MessageId& id : transition.messages) {
    auto place = where(transition.mailbox, id);
    if (!place) return place.error();
    Whereabouts whereabouts;
    std::optional<MessageRecord> record;
    if (place->gone) {
      whereabouts.gone = *place->gone;
    } else {
      auto found = message(transition.mailbox, place->seq);
      if (!found) return found.error();
      // Moved between the two reads: the epoch is another one by now, and it will be examined again.
      if (!*found) return Error(Code::Busy, "the message is being changed");
      record = std::move(*found);
      whereabouts.state = record->state;
    }
    auto changes = applies(step, whereabouts);
    if (!changes) return changes.error();
    if (*changes && named.insert(id).second) examined.changing.push_back(std::move(*record));
  }
  return examined;
}

Result<std::size_t> LocalStore::transition(const Transition& transition) {
  auto wanted = step(transition.from, transition.to);
  if (!wanted) return wanted.error();
  if (transition.messages.size() > limits().batch) return Error(Code::BadInput, "too many messages at once");
  const MailboxId& mailbox = transition.mailbox;
  const auto under_lease = [&]() -> Result<void> {
    if (transition.lease == nullptr) return {};
    return leases_.check(mailbox, *transition.lease);
  };
  if (auto known = table_.epoch(mailbox); !known) return known.error();
  if (auto held = under_lease(); !held) return held.error();
  // Read before queueing, so that the leader need not; what is refused here was refused at this moment.
  auto examined = examine(transition, *wanted);
  if (!examined && examined.error().code() != Code::Busy) return examined.error();
  if (examined && examined->changing.empty()) return 0;

  Remains remains;
  if (examined) remains = remains_of(mailbox, examined->changing, *wanted);
  const std::size_t octets = kMoved * transition.messages.size() + remains.octets;
  auto changed = change(octets, [&](Batch& batch) -> Result<Verdict> {
    if (!batch.claim_messages(mailbox)) return Verdict::NextBatch;
    const Entry* entry = batch.at(mailbox);
    if (entry == nullptr || !entry->record) return Error(Code::NotFound, "no such mailbox");
    if (auto held = under_lease(); !held) return held.error();
    if (!examined || examined->epoch != entry->epoch) examined = examine(transition, *wanted);
    if (!examined && examined.error().code() == Code::Busy)
      return Error(Code::Corrupt, "a message without its record");
    if (!examined) return examined.error();
    if (transition.token) {
      for (const MessageRecord& record : examined->changing) {
        if (auto right = receipts_.check(mailbox, record.id, *transition.token); !right) return right.error();
      }
    }
    const Moment at = moment();
    const Changes changes{*wanted, transition.actor, at.kept, examined->changing.size(), remains};
    for (const MessageRecord& record : examined->changing) move(batch, mailbox, record, changes);
    if (wanted->to == State::Drained) note_kept(batch, at);
    return Verdict::Done;
  });
  if (!changed) return changed.error();
  let_go(mailbox, examined->changing, *wanted);
  return examined->changing.size();
}

void LocalStore::move(Batch& batch, const MailboxId& mailbox, MessageRecord record, const Changes& changes) {
  const auto& [step, actor, kept, together, remains] = changes;
  Entry& entry = *batch.at(mailbox);
  MailboxStat& stat = entry.log.stat;
  count_out(stat, record);
  if (record.state == State::Pending) batch.erase(Family::Messages, pending_key(mailbox, record.seq));
  if (record.state == State::Drained)
    batch.erase(Family::Messages, drained_key(mailbox, record.changed, record.seq));
  const std::uint64_t index = batch.leaf(mailbox, message_leaf(step.leaf, mailbox, record, actor));
  ++entry.epoch;
  if (step.to == State::Drained) stat.last_drain = entry.log.time;
  LeafType gone = step.leaf;
  const bool at_once = goes_at_once(step, *entry.record, together);
  if (at_once) {
    gone = LeafType::Removed;
    batch.leaf(mailbox, message_leaf(gone, mailbox, record, actor));
  }
  if (!step.to || at_once) {
    batch.erase(Family::Messages, message_key(mailbox, record.seq));
    batch.erase(Family::Bodies, body_key(record.id, mailbox));
    batch.put(Family::Messages, where_key(record.id, mailbox), encode(Where{record.seq, gone}));
    if (leaves_receipt(step, *entry.record, together)) leave_receipt(batch, mailbox, record, changes);
    return;
  }
  record.state = *step.to;
  record.changed = entry.log.time;
  if (step.reveals) {
    batch.erase(Family::Messages, message_key(mailbox, record.seq));
    record.seq = index;
    batch.put(Family::Messages, where_key(record.id, mailbox), encode(Where{record.seq, std::nullopt}));
  }
  if (record.state == State::Live) entry.log.oldest = std::min(entry.log.oldest, record.seq);
  if (record.state == State::Drained) {
    ByteWriter since;
    since.u64(static_cast<std::uint64_t>(kept));
    batch.put(Family::Messages, drained_key(mailbox, record.changed, record.seq), since.data());
  }
  batch.put(Family::Messages, message_key(mailbox, record.seq), encode(record));
  count_in(stat, record);
}

void LocalStore::let_go(const MailboxId& mailbox, const std::vector<MessageRecord>& messages,
                        const Step& step) {
  // Where there was no grace time they are gone, too: asked for one by one, for it may have been either.
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
    deleted_ = true;
  }
}

}  // namespace gw::store

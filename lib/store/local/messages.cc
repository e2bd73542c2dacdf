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

// The result is true as long as the mailbox has the same epoch. Fails as store::examine(); if a
// message is changing at this moment, the epoch has changed by then.
Result<LocalStore::Examined> LocalStore::examine(const Transition& transition, const Step& step) const {
  auto epoch = table_.epoch(transition.mailbox);
  if (!epoch) return epoch.error();
  auto changing = store::examine(*engine_, transition, step);
  if (!changing) return changing.error();
  return Examined{*epoch, std::move(*changing)};
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
    const Entry* entry = batch.state(mailbox);
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
        if (auto right = pending_tokens_.check(mailbox, record.id, *transition.token); !right)
          return right.error();
      }
    }
    const Moment at = moment();
    const Moving moving{*wanted, transition.actor, at.kept, examined->changing.size(),
                        remains_from(remains, batch, mailbox)};
    for (const MessageRecord& record : examined->changing) move_message(batch, mailbox, record, moving);
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

void LocalStore::release(const MailboxId& mailbox, const std::vector<MessageRecord>& messages,
                         const Step& step) {
  // Drained messages of a mailbox without a grace period are gone too. The mailbox's setting may
  // have changed since, so each message's Where entry is asked.
  const bool perhaps_gone = !step.to || step.to == State::Drained;
  for (const MessageRecord& record : messages) {
    if (record.state == State::Pending) pending_tokens_.forget(mailbox, record.id);
    if (!perhaps_gone) continue;
    if (step.to) {
      const auto place = location_of(*engine_, mailbox, record.id);
      if (!place || !place->gone) continue;
    }
    bodies_.forget(mailbox, record.id);
    if (record.large) large_->remove(record.id);
    // Tells the upkeep thread that there is space to reclaim.
    deleted_ = true;
  }
}

}  // namespace gw::store

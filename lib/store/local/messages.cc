// Messages: the way in, changes of state, and the way out of the vault.
#include <algorithm>

#include "store/local/store_on_disk.h"

namespace gw::store {
namespace {

constexpr std::size_t kMoved = 640;        // about what a change of state adds for each message
constexpr std::size_t kExpireStep = 1000;  // messages that one commit expires
constexpr Step kExpire{State::Drained, std::nullopt, LeafType::Expired};

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
    const Changes changes{*wanted, transition.actor, examined->changing.size(), remains};
    for (const MessageRecord& record : examined->changing) move(batch, mailbox, record, changes);
    return Verdict::Done;
  });
  if (!changed) return changed.error();
  let_go(mailbox, examined->changing, *wanted);
  return examined->changing.size();
}

void LocalStore::move(Batch& batch, const MailboxId& mailbox, MessageRecord record, const Changes& changes) {
  const auto& [step, actor, together, remains] = changes;
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
    if (leaves_receipt(step, *entry.record, together)) leave_receipt(batch, mailbox, record, remains);
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
  if (record.state == State::Drained)
    batch.put(Family::Messages, drained_key(mailbox, record.changed, record.seq), ByteView{});
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

struct LocalStore::Expiring {
  Micros changed = 0;
  MailboxId mailbox;
  std::uint64_t seq = 0;
  auto operator<=>(const Expiring&) const = default;
};

// The oldest of what is due, at most `most`; `early`: room is short, so no grace time counts.
Result<std::vector<LocalStore::Expiring>> LocalStore::expiring(std::size_t most, Micros at, bool early,
                                                               const MailboxId& only) const {
  std::vector<Expiring> heap;  // the newest in front
  for (const auto& record : table_.mailboxes()) {
    if (record->hold || (!only.zero() && record->id != only)) continue;
    const Key prefix = Key('d').id(record->id);
    auto scanned = engine_->scan(Family::Messages, prefix, after(prefix), [&](ByteView key, ByteView) {
      ByteReader reader(key.subspan(prefix.view().size()));
      Expiring one{static_cast<Micros>(reader.u64()), record->id, reader.u64()};
      MessageRecord probe;
      probe.changed = one.changed;
      if (!early && *due(*record, probe) > at) return false;
      if (heap.size() == most && !(one < heap.front())) return false;
      heap.push_back(one);
      std::push_heap(heap.begin(), heap.end());
      if (heap.size() > most) {
        std::pop_heap(heap.begin(), heap.end());
        heap.pop_back();
      }
      return true;
    });
    if (!scanned) return scanned.error();
  }
  std::sort_heap(heap.begin(), heap.end());
  return heap;
}

// Those of them that are still as they were chosen, and no more than one commit should hold: what was not
// looked at is left in `chosen`. Gives their number, and adds their octets.
Result<std::uint64_t> LocalStore::expire(const MailboxId& mailbox, std::span<const Expiring>& chosen,
                                         bool early, std::uint64_t& octets) {
  std::vector<MessageRecord> removed;
  std::vector<MessageRecord> likely;
  for (const Expiring& one : chosen) {
    auto record = message(mailbox, one.seq);
    // One that is gone already has its place, too.
    likely.push_back(record && *record ? std::move(**record) : MessageRecord{});
  }
  const Remains remains = remains_of(mailbox, likely, kExpire);
  const auto some = chosen.first(remains.looked);
  chosen = chosen.subspan(remains.looked);
  auto changed = change(kMoved * some.size() + remains.octets, [&](Batch& batch) -> Result<Verdict> {
    if (!batch.claim_messages(mailbox)) return Verdict::NextBatch;
    const Entry* entry = batch.at(mailbox);
    if (entry == nullptr || !entry->record || entry->record->hold) return Verdict::Done;
    for (const Expiring& one : some) {
      auto record = message(mailbox, one.seq);
      if (!record) return record.error();
      if (!*record || (*record)->state != State::Drained || (*record)->changed != one.changed) continue;
      const auto from = due(*entry->record, **record);
      if (!early && (!from || *from > options_.clock())) continue;
      removed.push_back(**record);
    }
    const Changes changes{kExpire, "sweep", removed.size(), remains};
    for (const MessageRecord& record : removed) move(batch, mailbox, record, changes);
    return Verdict::Done;
  });
  if (!changed) return changed.error();
  let_go(mailbox, removed, kExpire);
  for (const MessageRecord& record : removed) octets += record.octets;
  return removed.size();
}

Result<SweepReport> LocalStore::sweep(std::size_t budget, bool now, const MailboxId& only) {
  constexpr Micros kHour = 3600LL * 1'000'000;
  if (!reason_.empty()) return read_only();
  SweepReport report;
  const Micros at = options_.clock();
  bool remember = false;
  {
    const std::lock_guard lock(clock_mutex_);
    report.held_back = clock_watch_.holds_back(at, options_.boot_clock(), now);
    remember = !report.held_back && at - last_sweep_ >= kHour;
    if (remember) last_sweep_ = at;
  }
  if (report.held_back) return report;
  const bool early = space_.full();
  auto found = expiring(budget + 1, at, early, only);
  if (!found) return found.error();
  report.more = found->size() > budget;
  found->resize(std::min(found->size(), budget));
  // In the order of the mailboxes, each by age.
  std::stable_sort(found->begin(), found->end(),
                   [](const Expiring& a, const Expiring& b) { return a.mailbox < b.mailbox; });
  for (std::size_t first = 0; first < found->size();) {
    std::size_t last = first;
    while (last < found->size() && (*found)[last].mailbox == (*found)[first].mailbox &&
           last - first < kExpireStep)
      ++last;
    for (std::span<const Expiring> rest = std::span(*found).subspan(first, last - first); !rest.empty();) {
      const auto expired = expire((*found)[first].mailbox, rest, early, report.octets);
      if (!expired) return expired.error();
      report.expired += *expired;
    }
    first = last;
  }
  for (const auto& mailbox : table_.mailboxes()) {
    if (!only.zero() && mailbox->id != only) continue;
    const auto expired = expire_receipts(*mailbox, at, budget - report.receipts, report.more);
    if (!expired) return expired.error();
    report.receipts += *expired;
  }
  if (remember) {
    ByteWriter time;
    time.u64(static_cast<std::uint64_t>(at));
    auto noted = change(kMoved, [&](Batch& batch) -> Result<Verdict> {
      batch.put(Family::Heads, sweep_key(), time.data());
      return Verdict::Done;
    });
    if (!noted) return noted.error();
  }
  return report;
}

}  // namespace gw::store

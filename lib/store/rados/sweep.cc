// The sweep: removal of drained messages after their grace period, and of removal records after
// theirs. The order and the conditions are those of LocalStore. A full cluster does not cut grace
// periods, because what one vault would free is little.
#include <algorithm>

#include "base/log.h"
#include "store/rados/rados_store_private.h"

namespace gw::store::rados {
namespace {

constexpr std::size_t kExpiredSize = 1000;  // about the bytes that a removed message adds to a change
constexpr std::size_t kExpireStep = 1000;   // most messages that one change removes
constexpr std::size_t kErasedSize = 400;
constexpr Micros kNoteTime = 3600LL * 1'000'000;
constexpr Step kExpireStepOf{State::Drained, std::nullopt, LeafType::Expired};

}  // namespace

struct RadosStore::Expiring {
  Micros changed = 0;
  MailboxId mailbox;
  std::uint64_t seq = 0;
  auto operator<=>(const Expiring&) const = default;
};

Moment RadosStore::moment() {
  const std::lock_guard lock(clock_mutex_);
  return kept_time_.at(options_.clock(), options_.boot_clock());
}

void RadosStore::note_kept(Batch& batch, const MailboxId& log, const Moment& at) {
  ByteWriter value;
  value.u64(static_cast<std::uint64_t>(at.kept)).u64(static_cast<std::uint64_t>(at.wall));
  batch.writes(log).put(kKept, std::string(as_text(value.data())));
}

// Stores the kept time of a vault without changes once an hour, so that a crash loses at most that.
Result<void> RadosStore::note_time(const Moment& at) {
  {
    const std::lock_guard lock(clock_mutex_);
    if (at.kept - kept_noted_ < kNoteTime) return {};
  }
  auto changed = change({}, kErasedSize, true, [&](Batch& batch) -> Result<ChangeResult> {
    note_kept(batch, {}, moment());
    return ChangeResult::Done;
  });
  if (!changed) return changed;
  const std::lock_guard lock(clock_mutex_);
  kept_noted_ = at.kept;
  return {};
}

// Returns the oldest `most` of the messages that are due, over all these mailboxes.
Result<std::vector<RadosStore::Expiring>> RadosStore::expiring(std::size_t most, const Sweep& sweep,
                                                               std::span<const MailboxRecord> mailboxes) {
  std::vector<Expiring> heap;  // the newest first
  const ClusterReader reader(context_);
  for (const MailboxRecord& record : mailboxes) {
    if (record.hold) continue;
    const Key prefix = Key('d').id(record.id);
    auto scanned = reader.scan(Family::Messages, prefix, after(prefix), [&](ByteView key, ByteView value) {
      ByteReader parts(key.subspan(prefix.view().size()));
      Expiring one{static_cast<Micros>(parts.u64()), record.id, parts.u64()};
      const auto kept = kept_of(value);
      if (!kept) return true;
      // In the order of draining, so after the first one that is not due none of this mailbox is.
      if (!grace_over(record, {*kept, one.changed}, sweep.at, sweep.trust_wall)) return false;
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

// For a sweep with a budget of 0.
Result<void> RadosStore::count_due(const MailboxRecord& mailbox, const Sweep& sweep, SweepReport& report) {
  const Key prefix = Key('d').id(mailbox.id);
  std::vector<std::uint64_t> due;
  const auto count = [&]() -> Result<void> {
    ClusterReader reader(context_);
    std::vector<std::string> keys;
    for (const std::uint64_t seq : due)
      keys.push_back(spot(Family::Messages, message_key(mailbox.id, seq)).key);
    if (auto fetched = reader.fetch(index_object(mailbox.id), keys); !fetched) return fetched;
    for (const std::uint64_t seq : due) {
      const auto record = message_at(reader, mailbox.id, seq);
      if (!record) return record.error();
      report.expired += *record ? 1 : 0;
      report.size += *record ? (*record)->size : 0;
    }
    due.clear();
    return {};
  };
  Result<void> counted;
  const ClusterReader reader(context_);
  auto scanned = reader.scan(Family::Messages, prefix, after(prefix), [&](ByteView key, ByteView value) {
    ByteReader parts(key.subspan(prefix.view().size()));
    const auto changed = static_cast<Micros>(parts.u64());
    const auto kept = kept_of(value);
    if (!kept) return true;
    if (!grace_over(mailbox, {*kept, changed}, sweep.at, sweep.trust_wall)) return false;
    due.push_back(parts.u64());
    if (due.size() == kExpireStep) counted = count();
    return counted.has_value();
  });
  if (!scanned) return scanned;
  return counted ? count() : counted;
}

// Removes those of the chosen messages that are still as they were chosen, in one change. Takes from
// `chosen` as many as one change should hold.
Result<void> RadosStore::expire(const MailboxRecord& mailbox, std::span<const Expiring>& chosen,
                                const Sweep& sweep, SweepReport& report) {
  const std::string object = index_object(mailbox.id);
  // Reads the messages and their `d` entries together.
  const auto fetch = [&](ClusterReader& reader, std::span<const Expiring> some) {
    std::vector<std::string> keys;
    for (const Expiring& one : some) {
      keys.push_back(spot(Family::Messages, message_key(mailbox.id, one.seq)).key);
      keys.push_back(spot(Family::Messages, drained_key(mailbox.id, one.changed, one.seq)).key);
    }
    return reader.fetch(object, keys);
  };
  ClusterReader before(context_);
  if (auto fetched = fetch(before, chosen); !fetched) return fetched;
  std::vector<MessageRecord> likely;
  for (const Expiring& one : chosen) {
    auto record = message_at(before, mailbox.id, one.seq);
    likely.push_back(record && *record ? std::move(**record) : MessageRecord{});
  }
  auto read = remains_of(mailbox.id, mailbox, likely, kExpireStepOf);
  if (!read) return read.error();
  Remains remains = std::move(*read);
  const auto some = chosen.first(remains.looked);
  chosen = chosen.subspan(remains.looked);
  std::vector<MessageRecord> removed;
  auto changed = change(
      mailbox.id, kExpiredSize * some.size() + remains.size, true, [&](Batch& batch) -> Result<ChangeResult> {
        removed.clear();
        if (!batch.claim_messages(mailbox.id)) return ChangeResult::NextBatch;
        const Entry* entry = batch.state(mailbox.id);
        // A legal hold that was set after the messages were chosen counts.
        if (entry == nullptr || !entry->record || entry->record->hold) return ChangeResult::Done;
        const Moment at = moment();
        if (auto fetched = fetch(batch.reader(), some); !fetched) return fetched.error();
        for (const Expiring& one : some) {
          auto value = batch.get(Family::Messages, drained_key(mailbox.id, one.changed, one.seq));
          if (!value) return value.error();
          // It was undeleted or removed meanwhile.
          if (!*value) continue;
          const auto kept = kept_of(as_bytes(**value));
          if (!kept || !grace_over(*entry->record, {*kept, one.changed}, at, sweep.trust_wall)) continue;
          auto record = message_at(batch, mailbox.id, one.seq);
          if (!record) return record.error();
          if (*record && (*record)->state == State::Drained && (*record)->changed == one.changed)
            removed.push_back(**record);
        }
        const Moving moving{kExpireStepOf, "sweep", at.kept, removed.size(),
                            remains_from(remains, batch, mailbox.id)};
        for (const MessageRecord& record : removed) move_message(batch, mailbox.id, record, moving);
        if (remains.failed) return *remains.failed;
        if (!removed.empty()) note_kept(batch, mailbox.id, at);
        return ChangeResult::Done;
      });
  if (!changed) return changed;
  report.expired += removed.size();
  for (const MessageRecord& record : removed) report.size += record.size;
  return {};
}

// Removes, or with a budget of 0 counts, the removal records whose time is over, the oldest first.
Result<void> RadosStore::expire_records(const MailboxRecord& mailbox, const Sweep& sweep,
                                        SweepReport& report) {
  const std::size_t budget = sweep.budget - std::min<std::size_t>(sweep.budget, report.receipts);
  struct Over {
    Moment since;
    MessageId message;
  };
  std::vector<Over> over;
  const ClusterReader reader(context_);
  const Key prefix = Key('x').id(mailbox.id);
  auto scanned = reader.scan(Family::Messages, prefix, after(prefix), [&](ByteView key, ByteView value) {
    ByteReader parts(key.subspan(prefix.view().size()));
    const auto gone = static_cast<Micros>(parts.u64());
    const auto kept = kept_of(value);
    if (!kept) return true;
    if (!removal_record_over(mailbox, {*kept, gone}, sweep.at, sweep.trust_wall)) return false;
    if (sweep.budget == 0) {
      ++report.receipts;
      return true;
    }
    if (over.size() == budget) {
      report.more = true;
      return false;
    }
    over.push_back({{*kept, gone}, MessageId::from(parts.rest())});
    return true;
  });
  if (!scanned) return scanned;
  for (std::size_t first = 0; first < over.size(); first += kExpireStep) {
    const auto some = std::span(over).subspan(first, std::min(kExpireStep, over.size() - first));
    std::size_t erased = 0;
    auto changed =
        change(mailbox.id, kErasedSize * some.size(), true, [&](Batch& batch) -> Result<ChangeResult> {
          erased = 0;
          const Entry* entry = batch.state(mailbox.id);
          if (entry == nullptr || !entry->record) return ChangeResult::Done;
          // A purge may be moving them.
          if (!batch.claim_messages(mailbox.id)) return ChangeResult::NextBatch;
          for (const auto& [since, message] : some) {
            // The mailbox may be under legal hold, or keep them longer, since they were looked for.
            if (!removal_record_over(*entry->record, since, sweep.at, sweep.trust_wall)) continue;
            ++erased;
            batch.erase(Family::Messages, removal_record_key(mailbox.id, message));
            batch.erase(Family::Messages, removal_time_key(mailbox.id, since.wall, message));
          }
          return ChangeResult::Done;
        });
    if (!changed) return changed;
    report.receipts += erased;
  }
  return {};
}

Result<SweepReport> RadosStore::sweep(std::size_t budget, bool now, const MailboxId& only) {
  SweepReport report;
  const Sweep sweep{budget, now, moment()};
  auto all = mailboxes();
  if (!all) return all.error();
  if (!only.zero()) std::erase_if(*all, [&](const MailboxRecord& record) { return record.id != only; });
  if (budget == 0) {
    for (const MailboxRecord& mailbox : *all) {
      if (auto counted = count_due(mailbox, sweep, report); !counted) return counted.error();
      if (auto counted = expire_records(mailbox, sweep, report); !counted) return counted.error();
    }
    return report;
  }
  if (auto refused = context_.refusal()) return *refused;
  // One more than the budget tells whether more is due.
  auto found = expiring(budget + 1, sweep, *all);
  if (!found) return found.error();
  report.more = found->size() > budget;
  found->resize(std::min(found->size(), budget));
  // Mailbox by mailbox, by age within each, because a change covers one mailbox.
  for (const MailboxRecord& mailbox : *all) {
    std::vector<Expiring> own;
    std::ranges::copy_if(*found, std::back_inserter(own),
                         [&](const Expiring& one) { return one.mailbox == mailbox.id; });
    for (std::size_t first = 0; first < own.size(); first += kExpireStep) {
      std::span<const Expiring> rest =
          std::span(own).subspan(first, std::min(kExpireStep, own.size() - first));
      while (!rest.empty()) {
        if (auto expired = expire(mailbox, rest, sweep, report); !expired) return expired.error();
      }
    }
  }
  for (const MailboxRecord& mailbox : *all) {
    if (auto expired = expire_records(mailbox, sweep, report); !expired) return expired.error();
  }
  // What follows is not part of what was asked, and is tried again by the next sweep.
  const auto kept_up = [&]() -> Result<void> {
    retry_abandoned();
    if (only.zero()) {
      if (auto done = roll({}); !done) return done;
    }
    const auto known = directory();
    if (!known) return known.error();
    for (const auto& [id, there] : *known) {
      if (!only.zero() && id != only) continue;
      if (auto done = upkeep(id, !there); !done) return done;
    }
    return {};
  }();
  if (!kept_up) log::warning("upkeep of the vault failed", {{"reason", kept_up.error().text()}});
  if (auto noted = note_time(sweep.at); !noted && noted.error().code() != Code::Full) return noted.error();
  return report;
}

}  // namespace gw::store::rados

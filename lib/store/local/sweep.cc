// The sweep: removal of drained messages after their grace period, and earlier if the disk is full.
#include <algorithm>

#include "base/log.h"
#include "store/local/local_store_private.h"

namespace gw::store {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kExpired = 640;      // about the bytes that a removed message adds to a batch
constexpr std::size_t kExpireStep = 1000;  // most messages that one commit removes
constexpr std::size_t kStampStep = 10'000;
constexpr std::size_t kStamped = 64;  // bytes that one stamp adds to a batch
// An hour: the kept time is stored at least this often.
constexpr Micros kNoteEvery = 3600LL * 1'000'000;
constexpr Step kExpire{State::Drained, std::nullopt, LeafType::Expired};
// A disk that is full for less time cuts no grace period: clients retry for days.
constexpr auto kFullFor = 10min;

bool covers(const Room& room, const Room& missing) {
  return room.size >= missing.size && room.inodes >= missing.inodes;
}

void add_room(Room& room, const MessageRecord& record) {
  room.size += record.container_size;
  room.inodes += record.large ? 1 : 0;
}

}  // namespace

// A drained message that may be due. Ordered by age.
struct LocalStore::Expiring {
  Micros changed = 0;
  MailboxId mailbox;
  std::uint64_t seq = 0;
  auto operator<=>(const Expiring&) const = default;
};

Moment LocalStore::moment() {
  const std::lock_guard lock(clock_mutex_);
  return kept_time_.at(options_.clock(), options_.boot_clock());
}

// In the same batch as every change that depends on it. Otherwise a crash could leave entries whose
// kept time is ahead of the stored clock, and their grace period would take longer after a restart.
void LocalStore::note_kept(Batch& batch, const Moment& at) {
  ByteWriter value;
  value.u64(static_cast<std::uint64_t>(at.kept)).u64(static_cast<std::uint64_t>(at.wall));
  batch.put(Family::Heads, kept_key(), value.data());
  const std::lock_guard lock(clock_mutex_);
  kept_noted_ = at.kept;
}

// Entries without a kept time, from salvage or an old version, get the current one: their grace
// period starts again, which is the safe direction. Every entry written since the store was opened
// has one, so this runs once.
Result<void> LocalStore::stamp_kept() {
  {
    const std::lock_guard lock(clock_mutex_);
    if (kept_stamped_) return {};
  }
  for (const auto& mailbox : table_.mailboxes()) {
    for (const char tag : {'d', 'x'}) {
      if (auto stamped = stamp_kept(mailbox->id, tag); !stamped) return stamped;
    }
  }
  const std::lock_guard lock(clock_mutex_);
  kept_stamped_ = true;
  return {};
}

Result<void> LocalStore::stamp_kept(const MailboxId& mailbox, char tag) {
  const Key prefix = Key(tag).id(mailbox);
  for (Bytes from = to_bytes(prefix); !from.empty();) {
    std::vector<Bytes> keys;
    auto scanned = engine_->scan(Family::Messages, from, after(prefix), [&](ByteView key, ByteView value) {
      if (!kept_of(value)) keys.push_back(to_bytes(key));
      // Bounded, because keys of a large mailbox should be neither in memory nor in one commit.
      return keys.size() < kStampStep;
    });
    if (!scanned) return scanned;
    from = keys.size() < kStampStep ? Bytes() : keys.back();
    if (keys.empty()) return {};
    auto changed = change(kStamped * keys.size(), [&](Batch& batch) -> Result<ChangeResult> {
      if (!batch.claim_messages(mailbox)) return ChangeResult::NextBatch;
      const Moment at = moment();
      ByteWriter kept;
      kept.u64(static_cast<std::uint64_t>(at.kept));
      for (const Bytes& key : keys) {
        auto value = engine_->get(Family::Messages, key);
        if (!value) return value.error();
        // The entry may have been removed or stamped since it was found; writing it then would
        // bring a removed entry back.
        if (*value && !kept_of(as_bytes(**value))) batch.put(Family::Messages, key, kept.data());
      }
      note_kept(batch, at);
      return ChangeResult::Done;
    });
    if (!changed) return changed;
  }
  return {};
}

// Returns the oldest `most` of the messages that are due, over all mailboxes; of all drained
// messages, if grace periods are cut.
Result<std::vector<LocalStore::Expiring>> LocalStore::expiring(std::size_t most, const Sweep& sweep) const {
  std::vector<Expiring> heap;  // the newest first
  for (const auto& record : table_.mailboxes()) {
    if (record->hold || (!sweep.only.zero() && record->id != sweep.only)) continue;
    const Key prefix = Key('d').id(record->id);
    auto scanned = engine_->scan(Family::Messages, prefix, after(prefix), [&](ByteView key, ByteView value) {
      ByteReader reader(key.subspan(prefix.view().size()));
      Expiring one{static_cast<Micros>(reader.u64()), record->id, reader.u64()};
      const auto kept = kept_of(value);
      if (!sweep.cut && !kept) return true;
      // Keys are in the order of draining, so after the first message that is not due none of this
      // mailbox is.
      if (!sweep.cut && !grace_over(*record, {*kept, one.changed}, sweep.at, sweep.trust_wall)) return false;
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

// Removes those of the chosen messages that are still as they were chosen, in one commit. Takes
// from `chosen` as many as one commit should hold.
Result<void> LocalStore::expire(const MailboxId& mailbox, std::span<const Expiring>& chosen,
                                const Sweep& sweep, SweepReport& report) {
  std::vector<MessageRecord> removed;
  std::vector<MessageRecord> likely;
  // Bodies for the removal records are read before the commit. A message that has gone meanwhile
  // keeps its place in `likely`, so that positions in both lists agree.
  for (const Expiring& one : chosen) {
    auto record = message_at(*engine_, mailbox, one.seq);
    likely.push_back(record && *record ? std::move(**record) : MessageRecord{});
  }
  const Remains remains = remains_of(mailbox, likely, kExpire);
  const auto some = chosen.first(remains.looked);
  chosen = chosen.subspan(remains.looked);
  auto changed = change(kExpired * some.size() + remains.size, [&](Batch& batch) -> Result<ChangeResult> {
    if (!batch.claim_messages(mailbox)) return ChangeResult::NextBatch;
    const Entry* entry = batch.state(mailbox);
    // A legal hold that was set after the messages were chosen counts.
    if (entry == nullptr || !entry->record || entry->record->hold) return ChangeResult::Done;
    const Moment at = moment();
    for (const Expiring& one : some) {
      auto value = engine_->get(Family::Messages, drained_key(mailbox, one.changed, one.seq));
      if (!value) return value.error();
      // It was undeleted or removed meanwhile.
      if (!*value) continue;
      const auto kept = kept_of(as_bytes(**value));
      const bool over = kept && grace_over(*entry->record, {*kept, one.changed}, at, sweep.trust_wall);
      if (!sweep.cut && !over) continue;
      auto record = message_at(*engine_, mailbox, one.seq);
      if (!record) return record.error();
      if (*record && (*record)->state == State::Drained && (*record)->changed == one.changed)
        removed.push_back(**record);
    }
    const Moving moving{kExpire, "sweep", at.kept, removed.size(), remains_from(remains, batch, mailbox)};
    for (const MessageRecord& record : removed) move_message(batch, mailbox, record, moving);
    if (!removed.empty()) note_kept(batch, at);
    return ChangeResult::Done;
  });
  if (!changed) return changed;
  release(mailbox, removed, kExpire);
  report.expired += removed.size();
  for (const MessageRecord& record : removed) report.size += record.size;
  return {};
}

// Removes them mailbox by mailbox, by age within each, because a commit of expire() covers one
// mailbox.
Result<void> LocalStore::expire(std::vector<Expiring> chosen, const Sweep& sweep, SweepReport& report) {
  std::stable_sort(chosen.begin(), chosen.end(),
                   [](const Expiring& a, const Expiring& b) { return a.mailbox < b.mailbox; });
  for (std::size_t first = 0; first < chosen.size();) {
    std::size_t last = first;
    while (last < chosen.size() && chosen[last].mailbox == chosen[first].mailbox &&
           last - first < kExpireStep)
      ++last;
    for (std::span<const Expiring> rest = std::span(chosen).subspan(first, last - first); !rest.empty();) {
      if (auto expired = expire(chosen[first].mailbox, rest, sweep, report); !expired) return expired;
    }
    first = last;
  }
  return {};
}

// For a sweep with a budget of 0, which must not change anything and therefore does not use
// expire().
Result<void> LocalStore::count_due(const MailboxRecord& mailbox, const Sweep& sweep, SweepReport& report) {
  const Key prefix = Key('d').id(mailbox.id);
  std::optional<Error> damage;
  auto scanned = engine_->scan(Family::Messages, prefix, after(prefix), [&](ByteView key, ByteView value) {
    ByteReader reader(key.subspan(prefix.view().size()));
    const auto changed = static_cast<Micros>(reader.u64());
    const auto kept = kept_of(value);
    if (!kept) return true;
    if (!grace_over(mailbox, {*kept, changed}, sweep.at, sweep.trust_wall)) return false;
    auto record = message_at(*engine_, mailbox.id, reader.u64());
    if (!record) damage = record.error();
    if (record && *record) {
      ++report.expired;
      report.size += (*record)->size;
    }
    return !damage;
  });
  if (!scanned) return scanned;
  return damage ? Result<void>(*damage) : Result<void>();
}

// Grace periods give way to new mail only after the disk was full for kFullFor without
// interruption, and not again after it did not help.
bool LocalStore::may_cut() {
  space_.look([&] { return engine_->promised(); });
  const BootClock::time_point boot = options_.boot_clock();
  const std::lock_guard lock(clock_mutex_);
  if (!space_.full()) {
    full_since_.reset();
    cutting_failed_ = false;
    return false;
  }
  if (!full_since_) full_since_ = boot;
  return !cutting_failed_ && boot - *full_since_ >= kFullFor;
}

// Returns true if removing everything that is drained would free `missing`.
Result<bool> LocalStore::drained_covers(const Room& missing, const MailboxId& only) const {
  Room all;
  std::optional<Error> damage;
  for (const auto& mailbox : table_.mailboxes()) {
    if (mailbox->hold || (!only.zero() && mailbox->id != only)) continue;
    const Key prefix = Key('d').id(mailbox->id);
    auto scanned = engine_->scan(Family::Messages, prefix, after(prefix), [&](ByteView key, ByteView) {
      ByteReader reader(key.subspan(prefix.view().size()));
      reader.u64();
      auto record = message_at(*engine_, mailbox->id, reader.u64());
      if (!record) damage = record.error();
      if (record && *record) add_room(all, **record);
      return !damage && !covers(all, missing);
    });
    if (!scanned) return scanned.error();
    if (damage) return *damage;
    if (covers(all, missing)) return true;
  }
  return false;
}

// On a full disk, removes the oldest drained messages, as many as are needed to end the full state.
// Removes nothing if all drained messages together would not suffice: then the grace period would
// be lost for no gain. If less space is freed than expected, because others fill the disk or the
// database cannot return it, it is not tried again until the disk has had room.
Result<void> LocalStore::cut_grace(Sweep sweep, SweepReport& report) {
  const Room missing = space_.missing();
  auto helps = drained_covers(missing, sweep.only);
  if (!helps) return helps.error();
  if (!*helps) return {};
  sweep.cut = true;
  auto found = expiring(sweep.budget, sweep);
  if (!found) return found.error();
  Room chosen;
  std::size_t count = 0;
  for (; count < found->size() && !covers(chosen, missing); ++count) {
    auto record = message_at(*engine_, (*found)[count].mailbox, (*found)[count].seq);
    if (!record) return record.error();
    if (*record) add_room(chosen, **record);
  }
  found->resize(count);
  const std::uint64_t before = report.expired;
  if (auto expired = expire(std::move(*found), sweep, report); !expired) return expired;
  if (report.expired == before) return {};
  // Reclaims the space here, because whether it helped is decided below.
  deleted_ = false;
  if (auto flushed = engine_->flush(); !flushed) return flushed;
  if (auto given = engine_->compact_bodies(false); !given) return given;
  space_.look([&] { return engine_->promised(); });
  const Room left = space_.missing();
  // A quarter of what was removed counts as success: blob files are deleted only when all their
  // bodies are.
  const bool helped =
      !space_.full() || left.size + chosen.size / 4 <= missing.size || left.inodes < missing.inodes;
  log::warning("grace period shortened",
               {{"messages", report.expired - before}, {"free", space_.free_bytes()}});
  const std::lock_guard lock(clock_mutex_);
  cutting_failed_ = !helped;
  return {};
}

Result<SweepReport> LocalStore::sweep(std::size_t budget, bool now, const MailboxId& only) {
  SweepReport report;
  const Sweep sweep{budget, now, only, moment()};
  const auto of_each_mailbox = [&](const auto& done) -> Result<void> {
    for (const auto& mailbox : table_.mailboxes()) {
      if (!only.zero() && mailbox->id != only) continue;
      if (auto result = done(*mailbox); !result) return result;
    }
    return {};
  };
  const auto receipts = [&](const MailboxRecord& mailbox) {
    return expire_removal_records(mailbox, sweep, report);
  };
  if (budget == 0) {
    auto counted = of_each_mailbox([&](const MailboxRecord& mailbox) -> Result<void> {
      if (auto due = count_due(mailbox, sweep, report); !due) return due;
      return receipts(mailbox);
    });
    if (!counted) return counted.error();
    return report;
  }
  if (!reason_.empty()) return read_only();
  // On a full disk the stamps wait for the next sweep. Until then unstamped entries are not due.
  if (auto stamped = stamp_kept(); !stamped && stamped.error().code() != Code::Full) return stamped.error();
  // One more than the budget tells whether more is due.
  auto found = expiring(budget + 1, sweep);
  if (!found) return found.error();
  report.more = found->size() > budget;
  found->resize(std::min(found->size(), budget));
  if (auto expired = expire(std::move(*found), sweep, report); !expired) return expired.error();
  if (auto expired = of_each_mailbox(receipts); !expired) return expired.error();
  // After the regular removals, which may already have made room.
  if (may_cut()) {
    if (auto cut = cut_grace(sweep, report); !cut) return cut.error();
  }
  // A store without changes stores the kept time once an hour, so that a crash loses at most that
  // much of it.
  bool note = false;
  {
    const std::lock_guard lock(clock_mutex_);
    note = sweep.at.kept - kept_noted_ >= kNoteEvery;
  }
  if (!note) return report;
  auto noted = change(kStamped, [&](Batch& batch) -> Result<ChangeResult> {
    note_kept(batch, moment());
    return ChangeResult::Done;
  });
  if (!noted && noted.error().code() != Code::Full) return noted.error();
  return report;
}

}  // namespace gw::store

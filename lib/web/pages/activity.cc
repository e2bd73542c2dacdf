#include "web/pages/activity.h"

#include <algorithm>

namespace gw::web {
namespace {

constexpr Micros kHour = Micros{3600} * 1'000'000;
constexpr std::size_t kActivityPage = 1000;

std::int64_t hour_of(Micros time) {
  return time / kHour;
}

// Returns whether an entry means that a message arrived. A message whose sender was not told the
// result (Unconfirmed) counts as arrived; a pending one counts when it is settled.
bool comes(store::LeafType type) {
  return type == store::LeafType::Accepted || type == store::LeafType::Settled ||
         type == store::LeafType::Unconfirmed;
}

Result<Micros> time_of(store::Store& store, const MailboxId& log, std::uint64_t index) {
  const Result<std::vector<Bytes>> leaves = store.history_read(log, index, 1);
  if (!leaves) return leaves.error();
  if (leaves->empty()) return Error(Code::Corrupt, "a history is shorter than its head says");
  const Result<store::Leaf> leaf = store::decode_leaf(leaves->front());
  if (!leaf) return leaf.error();
  return leaf->time;
}

// Returns the index of the first entry that is not older than `since`, by bisection: a history of
// years is not read from its start. This works because times never decrease within a history.
Result<std::uint64_t> first_since(store::Store& store, const MailboxId& log, std::uint64_t size,
                                  Micros since) {
  std::uint64_t low = 0;
  std::uint64_t high = size;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    const Result<Micros> time = time_of(store, log, middle);
    // The time of an entry of a newer version is unknown. Reading too much is harmless: begin before
    // it.
    if (!time && time.error().code() != Code::Version) return time.error();
    if (time && *time < since)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

}  // namespace

Traffic& Traffic::operator+=(const Traffic& more) {
  messages_in += more.messages_in;
  bytes_in += more.bytes_in;
  messages_out += more.messages_out;
  bytes_out += more.bytes_out;
  return *this;
}

Result<void> Activity::update(store::Store& store, std::span<const store::MailboxRecord> mailboxes,
                              Micros now) {
  // Another request already reads the histories. This one shows what has been counted so far rather
  // than wait.
  const std::unique_lock reading(reading_, std::try_to_lock);
  if (!reading) return {};
  const Micros since = now - kHours * kHour;
  std::size_t left = kAtOnce;
  for (const store::MailboxRecord& mailbox : mailboxes) {
    const Result<std::size_t> count = read(store, mailbox.id, since, left);
    if (!count && count.error().code() == Code::NotFound)
      continue;  // the mailbox was removed in the meantime
    if (!count) return count.error();
    left -= *count;
    if (left == 0) break;
  }
  const std::lock_guard lock(mutex_);
  // If the limit was used up, further entries may be left, perhaps in mailboxes not yet visited.
  complete_ = left > 0;
  forget_before(hour_of(since));
  return {};
}

Result<std::size_t> Activity::read(store::Store& store, const MailboxId& mailbox, Micros since,
                                   std::size_t most) {
  std::uint64_t next = 0;
  bool begun = false;
  {
    const std::lock_guard lock(mutex_);
    next = logs_[mailbox].next;
    begun = logs_[mailbox].begun;
  }
  if (!begun) {
    const Result<store::LogHead> head = store.history_head(mailbox);
    if (!head) return head.error();
    const Result<std::uint64_t> first = first_since(store, mailbox, head->size, since);
    if (!first) return first.error();
    next = *first;
  }
  std::size_t count = 0;
  for (;;) {
    const Result<std::vector<Bytes>> leaves =
        count < most ? store.history_read(mailbox, next, std::min(kActivityPage, most - count))
                     : std::vector<Bytes>();
    if (!leaves) return leaves.error();
    // The store was read without this mutex, so that last() never waits for the keeper.
    const std::lock_guard lock(mutex_);
    Log& log = logs_[mailbox];
    for (const Bytes& stored : *leaves) {
      const Result<store::Leaf> leaf = store::decode_leaf(stored);
      // An entry of a newer version is not counted; a damaged one is an error.
      if (!leaf && leaf.error().code() == Code::Version) continue;
      if (!leaf) return leaf.error();
      if (comes(leaf->type)) {
        log.hours[hour_of(leaf->time)] += {1, leaf->value, 0, 0};
      } else if (leaf->type == store::LeafType::Drained) {
        log.hours[hour_of(leaf->time)] += {0, 0, 1, leaf->value};
      }
    }
    next += leaves->size();
    count += leaves->size();
    log.next = next;
    log.begun = true;
    if (leaves->empty()) return count;
  }
}

// Forgets hours before `hour` and, if there are still too many, the oldest days of all mailboxes.
// Call with the mutex held.
void Activity::forget_before(std::int64_t hour) {
  for (;;) {
    std::size_t count = 0;
    for (auto& [mailbox, log] : logs_) {
      log.hours.erase(log.hours.begin(), log.hours.lower_bound(hour));
      count += log.hours.size();
    }
    if (count <= kMaxBuckets) return;
    hour += 24;
  }
}

bool Activity::complete() const {
  const std::lock_guard lock(mutex_);
  return complete_;
}

std::vector<Traffic> Activity::last(std::span<const store::MailboxRecord> mailboxes, std::size_t count,
                                    std::int64_t hours, Micros now) const {
  std::vector<Traffic> sums(count);
  // The division aligns spans to UTC: with 24 hours they are calendar days.
  const std::int64_t present = hour_of(now) / hours;
  const std::int64_t first = present - static_cast<std::int64_t>(count) + 1;
  const std::lock_guard lock(mutex_);
  for (const store::MailboxRecord& mailbox : mailboxes) {
    const auto log = logs_.find(mailbox.id);
    if (log == logs_.end()) continue;
    for (auto at = log->second.hours.lower_bound(first * hours); at != log->second.hours.end(); ++at) {
      // A clock that was set back leaves hours in the future; they count as the present span.
      const std::int64_t span = std::min(at->first / hours, present);
      sums[static_cast<std::size_t>(span - first)] += at->second;
    }
  }
  return sums;
}

std::size_t Activity::buckets() const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& [mailbox, log] : logs_) count += log.hours.size();
  return count;
}

}  // namespace gw::web

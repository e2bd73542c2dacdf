#include "keeper/server/refusal_notes.h"

#include <algorithm>

namespace gw::keeper {
namespace {

constexpr std::uint64_t kLookedAt = 64;  // leaves at the end of a history that are read

// Returns whether one of the newest entries is such a note. Compares by the wall clock, because an
// earlier keeper may have written it. If the history cannot be read, returns false: one entry too
// many does no harm.
bool written_of_late(store::Store& store, const MailboxId& mailbox, std::uint64_t code) {
  const auto head = store.history_head(mailbox);
  if (!head) return false;
  const std::uint64_t from = head->size - std::min(head->size, kLookedAt);
  const auto leaves = store.history_read(mailbox, from, kLookedAt);
  if (!leaves) return false;
  const Micros oldest =
      now() - std::chrono::duration_cast<std::chrono::microseconds>(RefusalNotes::kEach).count();
  return std::ranges::any_of(*leaves, [&](const Bytes& stored) {
    const auto leaf = store::decode_leaf(stored);
    return leaf && leaf->type == store::LeafType::Refused && leaf->value == code && leaf->time > oldest;
  });
}

}  // namespace

bool RefusalNotes::repeats(store::Store& store, const MailboxId& mailbox, std::uint64_t code) {
  const BootClock::time_point time = BootClock::now();
  {
    // The pair is entered before the history is read, without the lock. Of several sessions that
    // report the same refusal at the same time only one then writes an entry.
    const std::lock_guard lock(mutex_);
    const auto found = noted_.find({mailbox, code});
    if (found != noted_.end() && time - found->second < kEach) return true;
    // Pairs that are older than an hour are removed only when the table is full, since a walk over
    // it for each refusal would cost more than its memory. If that does not help, pretend that the
    // refusal was recorded: this happens only during an attack, and the history must not grow
    // without bound.
    if (noted_.size() >= kMaxCount)
      std::erase_if(noted_, [&](const auto& each) { return time - each.second >= kEach; });
    if (noted_.size() >= kMaxCount) return true;
    noted_.insert_or_assign({mailbox, code}, time);
  }
  return written_of_late(store, mailbox, code);
}

void RefusalNotes::forget(const MailboxId& mailbox, std::uint64_t code) {
  const std::lock_guard lock(mutex_);
  noted_.erase({mailbox, code});
}

}  // namespace gw::keeper

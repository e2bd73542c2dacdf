#include "keeper/server/refusal_notes.h"

#include <algorithm>

namespace gw::keeper {
namespace {

constexpr std::uint64_t kLookedAt = 64;  // entries at a history's end

// Whether one of the newest entries is such a note, by the wall clock: it may be of an earlier keeper.
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
    const std::lock_guard lock(mutex_);
    const auto found = noted_.find({mailbox, code});
    if (found != noted_.end() && time - found->second < kEach) return true;
    if (noted_.size() >= kMost)
      std::erase_if(noted_, [&](const auto& each) { return time - each.second >= kEach; });
    if (noted_.size() >= kMost) return true;
    noted_.insert_or_assign({mailbox, code}, time);
  }
  return written_of_late(store, mailbox, code);
}

}  // namespace gw::keeper

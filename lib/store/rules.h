// What may be done and what the history says then: one set of rules for every store.
//
// A store that keeps its own state asks here, so that two stores given the same operations end the same.
#pragma once

#include <optional>

#include "base/result.h"
#include "store/kept_time.h"
#include "store/store.h"

namespace gw::store {

// A change of state that vault.md section 4 allows.
struct Step {
  State from{};
  std::optional<State> to;  // none: gone for good
  LeafType leaf{};
  bool reveals = false;  // the message becomes visible by it, so its seq is this leaf's index
};

// BadInput: there is no such change.
Result<Step> step(State from, std::optional<State> to);

// Where a message is: in a state, or gone by a leaf of this type, which is never forgotten.
struct Whereabouts {
  std::optional<State> state;
  LeafType gone{};
};
// True: the step changes it. False: it counts as done. Conflict otherwise.
Result<bool> applies(const Step& step, const Whereabouts& message);
// Drained where there is no grace: the message goes at once, with a Removed leaf behind the Drained one. Not
// where so many change together that their receipts would be too much for one commit: the next sweep takes
// these.
bool goes_at_once(const Step& step, const MailboxRecord& mailbox, std::size_t together);
inline constexpr std::size_t kAtOnce = 1000;

// Leaves and counters of a message.
Leaf message_leaf(LeafType type, const MailboxId& mailbox, const MessageRecord& message,
                  std::string_view actor);
void count_in(MailboxStat& stat, const MessageRecord& message);
void count_out(MailboxStat& stat, const MessageRecord& message);
bool empty(const MailboxStat& stat);  // no message in any state

// Whether this commit is welcome: Conflict (suspended, or a key that no slot holds), OverQuota.
Result<void> may_accept(const MailboxRecord& mailbox, const MailboxStat& stat, const Commit& commit);
// The record that a commit makes; seq, state and times are the store's.
MessageRecord message_record(const MessageId& id, const Commit& commit, std::uint64_t container_octets);

// Whether a message that goes by this change leaves a receipt: one that was drained does.
bool leaves_receipt(const Step& step, const MailboxRecord& mailbox, std::size_t together);
// How much of a page of receipts there is before it ends, whatever its limit.
inline constexpr std::size_t kReceiptPage = 1 << 20;
// Whether the grace time of a message that was drained at `since` is over, and whether the receipt of one
// that was swept at `since` may go. Both are counted in kept time; with `trust_wall` it is enough that they
// are over by the wall clock. Never while the mailbox is on hold.
bool grace_over(const MailboxRecord& mailbox, const Moment& since, const Moment& now, bool trust_wall);
bool receipt_over(const MailboxRecord& mailbox, const Moment& since, const Moment& now, bool trust_wall);

// BadInput for what no store takes.
Result<void> check_commit(const Commit& commit, const Limits& limits);
Result<void> check_mailbox(const MailboxRecord& record);
Result<void> check_slots(const std::vector<Slot>& slots, const Limits& limits);
Result<void> check_key(const RecordKey& key);           // Denied: a kind that only put_mailbox writes
Result<void> check_note(const Note& note);              // a leaf type that goes with a record
Result<void> check_note(const Leaf& leaf, bool vault);  // a leaf that may stand alone in this history

}  // namespace gw::store

// The rules of every store: which change is allowed and which leaf records it. A store that keeps
// its own state asks these functions, so that the same operations lead to the same result in
// LocalStore and in MemoryStore. All functions are pure.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "store/kept_time.h"
#include "store/store.h"

namespace gw::store {

// An allowed change of a message's state (the states are described in gw-vault(7)).
struct Step {
  State from{};
  std::optional<State> to;  // nullopt: the message is removed for good
  LeafType leaf{};          // what the history records
  // the message becomes visible by it, so its seq becomes this leaf's index
  bool reveals = false;
};

// Returns the step between two states. Fails with BadInput if there is none.
Result<Step> step(State from, std::optional<State> to);

// Where a message is: in a state, or gone.
struct LocationInfo {
  std::optional<State> state;  // nullopt if it is gone
  LeafType gone{};             // how it left; meaningful only if it is gone
};
// Returns true if the step changes this message, false if it counts as done already. Fails with
// Conflict if the message is in a state that the step does not start from.
Result<bool> applies(const Step& step, const LocationInfo& message);
// Returns true if a drained message is removed in the same commit because its mailbox has no grace
// period; its history then gets a Removed leaf after the Drained one. `together` is the number of
// messages that change at the same time: with more than kAtOnce their removal records would be too
// large for one commit, and the next sweep removes them instead.
bool removed_immediately(const Step& step, const MailboxRecord& mailbox, std::size_t together);
inline constexpr std::size_t kAtOnce = 1000;

// Returns the leaf of this type about a message, without index and time.
Leaf message_leaf(LeafType type, const MailboxId& mailbox, const MessageRecord& message,
                  std::string_view actor);
// Adds a message to the counters of its mailbox, by its state; count_out() subtracts it.
void count_in(MailboxStat& stat, const MessageRecord& message);
void count_out(MailboxStat& stat, const MessageRecord& message);
bool empty(const MailboxStat& stat);  // true if there is no message in any state

// Checks whether the mailbox accepts this commit. Fails with Conflict if it is suspended or has no
// such generation, OverQuota.
Result<void> may_accept(const MailboxRecord& mailbox, const MailboxStat& stat, const Commit& commit);
// Returns the record that a commit creates. The store sets seq and `changed`.
MessageRecord message_record(const MessageId& id, const Commit& commit, std::uint64_t container_size);

// Returns true if a message that is removed by this step leaves a removal record: only messages
// that were drained do, and only if the mailbox keeps removal records.
bool leaves_removal_record(const Step& step, const MailboxRecord& mailbox, std::size_t together);
// Bytes after which a page of removal records ends, whatever its limit.
inline constexpr std::size_t kRemovalRecordPage = 1 << 20;
// Return true if the grace period of a message drained at `since`, or the time of the removal
// record of a message swept at `since`, is over. Both count kept time; with `trust_wall` it is
// enough that they are over by the wall clock. Always false under legal hold.
bool grace_over(const MailboxRecord& mailbox, const Moment& since, const Moment& now, bool trust_wall);
bool removal_record_over(const MailboxRecord& mailbox, const Moment& since, const Moment& now,
                         bool trust_wall);

// Returns what is wrong according to the other fields of `health`, for a store on a disk: it is
// read-only, or has no room or little.
std::vector<Trouble> troubles_of_disk(const Health& health);

// Checks of input that no store accepts; each fails with BadInput.
Result<void> check_commit(const Commit& commit, const Limits& limits);
Result<void> check_mailbox(const MailboxRecord& record);
Result<void> check_slots(const std::vector<Slot>& slots, const Limits& limits);
// Also fails with Denied for a kind that only put_mailbox() writes.
Result<void> check_key(const RecordKey& key);
// Checks that the leaf type may accompany a record.
Result<void> check_note(const Note& note);
// Checks that the leaf may stand alone in this history; `vault` is true for the vault's own.
Result<void> check_note(const Leaf& leaf, bool vault);

}  // namespace gw::store

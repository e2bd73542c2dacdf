#include "vault/replay.h"

#include <algorithm>

#include "base/counted.h"

namespace gw::vault {
namespace {

constexpr std::size_t kLeafPage = 1000;

// The states in which a message may be before a leaf of this type, and the state after it (nullopt
// if it is gone).
struct Move {
  std::vector<store::State> from;
  std::optional<store::State> to;
};

// The state machine of store::State, independent of the code that makes the transitions:
// verification must not repeat its mistakes.
Move move_of(store::LeafType type) {
  using store::LeafType;
  using store::State;
  switch (type) {
    case LeafType::Settled:
      return {{State::Pending, State::Unconfirmed}, State::Live};
    case LeafType::Unconfirmed:
      return {{State::Pending}, State::Unconfirmed};
    case LeafType::Discarded:
      return {{State::Pending}, std::nullopt};
    case LeafType::Drained:
      return {{State::Live, State::Unconfirmed}, State::Drained};
    case LeafType::Removed:
      return {{State::Live, State::Unconfirmed, State::Drained, State::Quarantined}, std::nullopt};
    case LeafType::Expired:
      return {{State::Drained}, std::nullopt};
    case LeafType::Undeleted:
      return {{State::Drained}, State::Live};
    case LeafType::Quarantined:
      return {{State::Live, State::Unconfirmed}, State::Quarantined};
    case LeafType::Released:
      return {{State::Quarantined}, State::Live};
    default:
      return {};
  }
}

}  // namespace

const Expected* Replay::find(const MessageId& message) const {
  const auto at = messages_.find(message);
  return at == messages_.end() ? nullptr : &at->second;
}

// Compares the claims about exactly this size; the tree passes each size only once.
void Replay::compare_heads() {
  const auto [first, last] = heads_.equal_range(range_.size());
  for (auto at = first; at != last; ++at)
    if (at->second.root != range_.root()) found_({}, "its history does not match an earlier tree head");
  heads_.erase(first, last);
}

void Replay::take_message(const store::Leaf& leaf) {
  using store::LeafType;
  using store::State;
  const auto known = messages_.find(leaf.message);
  if (leaf.type == LeafType::Accepted || leaf.type == LeafType::Pending) {
    // An accepted loss may have taken the message along, and then the same id may be accepted
    // again.
    if (known != messages_.end()) {
      if (!known->second.before_gap) return found_(leaf.message, "it was accepted twice");
      messages_.erase(known);
    }
    Expected expected;
    expected.state = leaf.type == LeafType::Accepted ? State::Live : State::Pending;
    expected.seq = leaf.index;
    expected.size = leaf.value;
    expected.container = leaf.container;
    expected.envelope = leaf.envelope;
    expected.commitment = leaf.commitment;
    expected.touched = leaf.index;
    messages_.emplace(leaf.message, expected);
    return;
  }
  if (known == messages_.end())
    return found_(leaf.message, "its history has a leaf of a message that was never accepted");
  Expected& expected = known->second;
  expected.touched = leaf.index;
  // Every leaf about a message repeats its digests, so that each one can be checked alone.
  if (leaf.value != expected.size || leaf.container != expected.container ||
      leaf.envelope != expected.envelope || leaf.commitment != expected.commitment)
    found_(leaf.message, "two leaves about it differ");
  // These two do not change the state.
  if (leaf.type == LeafType::Exported || leaf.type == LeafType::Interrupted) return;
  const Move move = move_of(leaf.type);
  if (std::ranges::find(move.from, expected.state) == move.from.end())
    found_(leaf.message, "its history changes it from " + std::string(name(expected.state)) + " by " +
                             std::string(name(leaf.type)));
  if (!move.to) {
    messages_.erase(known);
    return;
  }
  // A pending message gets its place in the order when it becomes visible, so that a drain that has
  // seen all earlier messages still sees this one.
  if (expected.state == State::Pending) expected.seq = leaf.index;
  expected.state = *move.to;
}

// A Gap leaf: an administrator has accepted a loss (`repair --accept-loss`). What came before may
// be missing: messages, and entries whose head the vault's history holds.
void Replay::take_gap() {
  ++gaps_;
  for (auto& [id, expected] : messages_) expected.before_gap = true;
  std::erase_if(heads_,
                [&](const auto& head) { return head.second.before_gap && head.first >= range_.size(); });
  // A checkpoint that was kept elsewhere covers this place. Its claims stay binding, since
  // otherwise a forged gap would excuse any change.
  if (range_.size() <= kept_) return;
  for (auto& [mailbox, claims] : claimed_) {
    for (auto& [size, claim] : claims) claim.before_gap = claim.before_gap || claim.index >= kept_;
  }
}

void Replay::take_other(const store::Leaf& leaf) {
  using store::LeafType;
  switch (leaf.type) {
    case LeafType::MailboxMade:
      if (log_.zero()) {
        if (!mailboxes_.emplace(leaf.mailbox, true).second) found_({}, "a mailbox was created twice");
        return;
      }
      if (leaf.index != 0) found_({}, "its history begins twice");
      [[fallthrough]];
    case LeafType::Key:
    case LeafType::Status:
      // This leaf is certainly about the mailbox's record: earlier candidates are obsolete.
      records_.assign(1, leaf.container);
      return;
    case LeafType::Slot:
    case LeafType::Setting:
      // These leaves may be about another record of the mailbox (a slot or a setting of its own),
      // so the digest is only a candidate.
      records_.push_back(leaf.container);
      return;
    case LeafType::MailboxRemoved:
      mailboxes_[leaf.mailbox] = false;
      return;
    case LeafType::Head:
      claimed_[leaf.mailbox].emplace(leaf.value, Claim{leaf.container, leaf.index, false});
      return;
    case LeafType::Gap:
      return take_gap();
    default:
      return;
  }
}

void Replay::take(ByteView stored) {
  const std::uint64_t index = range_.size();
  range_.append(store::leaf_hash(stored));
  const Result<store::Leaf> leaf = store::decode_leaf(stored);
  if (!leaf) {
    // One damaged leaf usually means many; the first one says enough.
    if (!std::exchange(damaged_, true))
      found_({}, "leaf " + std::to_string(index) + " of its history: " + leaf.error().text());
    return;
  }
  if (leaf->index != index || leaf->time < time_) {
    if (!std::exchange(damaged_, true))
      found_({}, "leaf " + std::to_string(index) + " of its history is out of place");
  }
  time_ = std::max(time_, leaf->time);
  // Each leaf names its mailbox, so that leaves cannot be moved between histories.
  const bool own = log_.zero() || leaf->mailbox == log_;
  if (!own) return found_({}, "leaf " + std::to_string(index) + " of its history belongs to another mailbox");
  if (store::of_message(leaf->type)) {
    take_message(*leaf);
  } else {
    take_other(*leaf);
  }
}

Result<void> Replay::advance(store::Store& store) {
  const Result<store::LogHead> head = store.history_head(log_);
  if (!head) return head.error();
  // Also compares claims about the present size, in particular about an empty history.
  compare_heads();
  while (range_.size() < head->size) {
    const std::size_t wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(head->size - range_.size(), kLeafPage));
    const Result<std::vector<Bytes>> leaves = store.history_read(log_, range_.size(), wanted);
    if (!leaves) return leaves.error();
    // The store has fewer leaves than its head says. Without this check the loop would not end.
    if (leaves->empty()) {
      found_({}, "its history has " + counted(range_.size(), "leaf", "leaves") + " instead of " +
                     std::to_string(head->size));
      return {};
    }
    for (const Bytes& leaf : std::span(*leaves).first(std::min(leaves->size(), wanted))) {
      take(leaf);
      compare_heads();
    }
  }
  if (range_.size() > head->size || range_.root() != head->root)
    found_({}, "its history does not match its tree head");
  // Every head was read before this history, which only grows. So a head that is left names leaves
  // that are missing.
  if (!heads_.empty())
    found_({}, "its history has " + counted(range_.size(), "leaf", "leaves") +
                   ", but an earlier tree head has " + std::to_string(heads_.rbegin()->first) +
                   ": an older state was restored");
  heads_.clear();
  return {};
}

}  // namespace gw::vault

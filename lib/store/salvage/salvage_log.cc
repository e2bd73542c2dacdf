#include "store/salvage/salvage_log.h"

#include <algorithm>

#include "store/keys.h"

namespace gw::store {
namespace {

// Leaves read at a time, to bound the memory.
constexpr std::uint64_t kPage = 1000;

// The state of a message after a leaf. nullopt means that it is gone, or, if `changes` is false,
// that its state is as before.
struct After {
  bool changes = true;
  std::optional<State> state;
};

After after_leaf(LeafType type) {
  switch (type) {
    case LeafType::Accepted:
    case LeafType::Settled:
    case LeafType::Undeleted:
    case LeafType::Released:
      return {true, State::Live};
    case LeafType::Pending:
      return {true, State::Pending};
    case LeafType::Unconfirmed:
      return {true, State::Unconfirmed};
    case LeafType::Drained:
      return {true, State::Drained};
    case LeafType::Quarantined:
      return {true, State::Quarantined};
    case LeafType::Removed:
    case LeafType::Expired:
    case LeafType::Discarded:
      return {true, std::nullopt};
    default:
      return {false, std::nullopt};
  }
}

// Returns the leaf by which a message in this state becomes live or visible.
std::optional<LeafType> back_to_live(State from) {
  switch (from) {
    case State::Pending:
    case State::Unconfirmed:
      return LeafType::Settled;
    case State::Drained:
      return LeafType::Undeleted;
    case State::Quarantined:
      return LeafType::Released;
    case State::Live:
      break;
  }
  return std::nullopt;
}

// Returns the leaves that lead from one state to another by allowed steps only, since `gw-store
// verify` replays them. Where no step leads there, the way ends in the nearest state that is
// possible.
std::vector<LeafType> way(State from, State to) {
  std::vector<LeafType> leaves;
  if (from == to) return leaves;
  if (to == State::Unconfirmed) {
    if (from == State::Pending) leaves.push_back(LeafType::Unconfirmed);
    return leaves;
  }
  if (to == State::Pending) return leaves;
  const bool shown = from == State::Live || from == State::Unconfirmed;
  if (!shown || to == State::Live) {
    if (const auto leaf = back_to_live(from)) leaves.push_back(*leaf);
  }
  if (to == State::Drained) leaves.push_back(LeafType::Drained);
  if (to == State::Quarantined) leaves.push_back(LeafType::Quarantined);
  return leaves;
}

// Builds a leaf from what earlier leaves said, for a message whose record is gone.
Leaf leaf_about(LeafType type, const MessageId& message, const SalvagedState& fate) {
  Leaf leaf;
  leaf.type = type;
  leaf.message = message;
  leaf.value = fate.size;
  leaf.container = fate.container;
  leaf.envelope = fate.envelope;
  leaf.commitment = fate.commitment;
  return leaf;
}

}  // namespace

Result<void> SalvageWriter::put(Family family, ByteView key, ByteView value) {
  constexpr std::size_t kMaxCount = 4 << 20;
  writes_.Put(engine_.family(family), slice(key), slice(value));
  return writes_.GetDataSize() < kMaxCount ? Result<void>() : flush();
}

Result<void> SalvageWriter::flush() {
  if (writes_.Count() == 0) return {};
  space_.look([this] { return engine_.promised(); });
  // Salvage stops before the disk is full; RocksDB would abort.
  if (auto room = space_.room_for_append(writes_.GetDataSize()); !room) return room;
  auto written = engine_.write(writes_);
  writes_.Clear();
  return written;
}

const SalvagedState* SalvagedLog::fate(const MessageId& message) const {
  const auto at = fates_.find(message);
  return at == fates_.end() ? nullptr : &at->second;
}

Result<void> SalvagedLog::read(SalvageSource& source) {
  LogState head;
  // Several versions of the head may be found; the largest is the newest, since a history only
  // grows.
  source.get(Family::Heads, head_key(log_), [&](ByteView value) {
    auto state = decode_log_state(value);
    if (state && state->range.size() >= head.range.size()) head = std::move(*state);
  });
  const Key end = after(Key().id(log_));
  std::uint64_t extent = head.range.size();
  bool other = false;
  // Pages are read through a map, because each view returns its leaves in order but the views
  // follow one another.
  for (std::uint64_t from = 0;;) {
    std::map<std::uint64_t, Bytes> page;
    source.scan(Family::History, leaf_key(log_, from), leaf_key(log_, from + kPage),
                [&](ByteView key, ByteView value) {
                  ByteReader reader(key.subspan(16));
                  page.emplace(reader.u64(), to_bytes(value));
                  return true;
                });
    for (const auto& [index, stored] : page) {
      const auto leaf = decode_leaf(stored);
      if (!leaf && leaf.error().code() == Code::Version) return leaf.error();
      // The index in the leaf must match the key: a leaf in the wrong place is damage.
      if (!leaf || leaf->index != index) continue;
      extent = std::max(extent, index + 1);
      // The first hole ends the copy. Later leaves are still read for what they tell of messages.
      cut_ = cut_ || index != size();
      if (auto taken = take(stored, *leaf); !taken) return taken;
      // At the size of the stored head the roots must agree. Otherwise leaves were changed, or the
      // head belongs to another state of the vault.
      if (size() == head.range.size() && !cut_) other = state_.range.root() != head.range.root();
    }
    from += kPage;
    // Finds the next leaf after a hole of any length.
    std::optional<std::uint64_t> next;
    source.scan(Family::History, leaf_key(log_, from), end, [&](ByteView key, ByteView) {
      ByteReader reader(key.subspan(16));
      const std::uint64_t index = reader.u64();
      next = std::min(next.value_or(index), index);
      return false;
    });
    if (!next) break;
    from = *next;
  }
  cut_ = cut_ || extent != size();
  // After a hole it is unknown how much of the history the vault's Head leaves cover, so all of it
  // counts as not covered.
  if (!cut_) state_.headed = head.headed;
  if (other) return Error(Code::Corrupt, "its history does not match its tree head");
  return {};
}

Result<void> SalvagedLog::take(ByteView stored, const Leaf& leaf) {
  if (!cut_) {
    if (auto kept = keep(stored, leaf); !kept) return kept;
  }
  if (of_message(leaf.type)) {
    take_message(leaf);
  } else {
    take_other(leaf);
  }
  return {};
}

// Copies the stored bytes and not an encoding of the decoded leaf: the hash is over exactly these.
Result<void> SalvagedLog::keep(ByteView stored, const Leaf& leaf) {
  const std::uint64_t index = size();
  state_.range.append(leaf_hash(stored));
  state_.time = std::max(state_.time, leaf.time);
  MailboxStat& stat = state_.stat;
  if (leaf.type == LeafType::Accepted || leaf.type == LeafType::Pending) {
    ++stat.accepted;
    stat.last_delivery = leaf.time;
  }
  if (leaf.type == LeafType::Drained) stat.last_drain = leaf.time;
  return to_.put(Family::History, leaf_key(log_, index), stored);
}

void SalvagedLog::take_message(const Leaf& leaf) {
  const After after = after_leaf(leaf.type);
  const bool first = leaf.type == LeafType::Accepted || leaf.type == LeafType::Pending;
  SalvagedState& fate = fates_[leaf.message];
  const bool was_hidden = first || !fate.state || fate.state == State::Pending;
  // The same id is accepted a second time only if an accepted loss had removed it: then everything
  // known of the earlier message is void.
  if (first) {
    fate = SalvagedState();
    gone_.erase(leaf.message);
  }
  fate.size = leaf.value;
  fate.container = leaf.container;
  fate.envelope = leaf.envelope;
  fate.commitment = leaf.commitment;
  if (!after.changes) return;
  // A message gets its seq from the leaf that made it visible, see Step::reveals.
  if (after.state && was_hidden) fate.seq = leaf.index;
  fate.state = after.state;
  fate.since = leaf.time;
  fate.gone = !after.state;
  if (fate.gone)
    gone_[leaf.message] = {leaf.type, fate.seq, !cut_ || (fate.told && fate.told_seq == fate.seq)};
  if (!cut_) {
    fate.told = fate.state;
    fate.told_seq = fate.seq;
  }
  // The new history knows nothing of it, so it needs no leaf that removes it.
  if (fate.gone && !fate.told) fates_.erase(leaf.message);
}

void SalvagedLog::take_other(const Leaf& leaf) {
  switch (leaf.type) {
    // Leaves of these types contain the digest of the mailbox's record. Slot and Setting leaves may
    // contain that of another record, so they only add a candidate.
    case LeafType::MailboxMade:
    case LeafType::Key:
    case LeafType::Status:
      if (log_.zero()) {
        mailboxes_[leaf.mailbox] = true;
      } else if (!cut_) {
        records_.assign(1, leaf.container);
      }
      break;
    case LeafType::Slot:
    case LeafType::Setting:
      if (!cut_) records_.push_back(leaf.container);
      break;
    case LeafType::MailboxRemoved:
      mailboxes_[leaf.mailbox] = false;
      break;
    case LeafType::Gap:
      for (auto& [id, fate] : fates_) fate.before_gap = true;
      break;
    default:
      break;
  }
  if (!cut_ && log_.zero()) told_mailboxes_ = mailboxes_;
}

Result<std::uint64_t> SalvagedLog::append(Leaf leaf) {
  if (leaf.mailbox.zero()) leaf.mailbox = log_;
  leaf.actor = actor_;
  const std::uint64_t index = size();
  Bytes stored = encode(leaf);
  // Time never decreases within a history.
  leaf.time = std::max(state_.time, now_);
  place(stored, index, leaf.time);
  if (auto kept = keep(stored, leaf); !kept) return kept.error();
  return index;
}

// A message that the new history does not know starts with Accepted or Pending; from there allowed
// steps lead to its state. So the record and the history agree, which `gw-store verify` checks.
Result<void> SalvagedLog::lead_to(MessageRecord& record, const SalvagedState* fate) {
  const bool told = fate != nullptr && fate->told;
  State from = State::Live;
  std::vector<LeafType> leaves;
  if (told) {
    from = *fate->told;
    record.seq = fate->told_seq;
  } else {
    const bool pending = record.state == State::Pending || record.state == State::Unconfirmed;
    from = pending ? State::Pending : State::Live;
    leaves.push_back(pending ? LeafType::Pending : LeafType::Accepted);
  }
  for (const LeafType leaf : way(from, record.state)) leaves.push_back(leaf);
  bool hidden = !told || from == State::Pending;
  for (const LeafType type : leaves) {
    const auto index = append(message_leaf(type, log_, record, actor_));
    if (!index) return index.error();
    if (hidden) record.seq = *index;
    hidden = type == LeafType::Pending;
    from = *after_leaf(type).state;
  }
  // No step leads back to pending, and the next keeper would end that state when it starts. The
  // record says what the history says.
  record.state = from;
  return {};
}

Result<void> SalvagedLog::lead_away(const MessageId& message, const SalvagedState& fate) {
  if (!fate.told) return {};
  const LeafType type = *fate.told == State::Pending ? LeafType::Discarded : LeafType::Removed;
  if (auto noted = append(leaf_about(type, message, fate)); !noted) return noted.error();
  return {};
}

Result<void> SalvagedLog::finish(const MailboxStat& here) {
  MailboxStat stat = here;
  stat.accepted = state_.stat.accepted;
  stat.last_delivery = state_.stat.last_delivery;
  stat.last_drain = state_.stat.last_drain;
  state_.stat = stat;
  return to_.put(Family::Heads, head_key(log_), encode(state_));
}

}  // namespace gw::store

// Replays a history from its first entry: computes which messages, records and mailboxes should
// exist, and whether the history is the one that its tree head names. Used by vault/verify.h;
// internal to lib/vault.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "store/merkle.h"
#include "store/store.h"

namespace gw::vault {

// What the history says about one message that should exist.
struct Expected {
  store::State state = store::State::Live;
  std::uint64_t seq = 0;
  std::uint64_t size = 0;
  Digest container{};
  Digest envelope{};
  Digest commitment{};
  bool before_gap = false;    // accepted before an accepted loss (Gap leaf): it may be missing
  std::uint64_t touched = 0;  // index of the last leaf about it
};

// A root hash that another history or a checkpoint claims for a certain size of this history.
struct Claim {
  Digest root{};
  std::uint64_t index = 0;  // of the leaf that makes the claim
  // The claim comes from before a Gap leaf in the vault's history. If this history has a gap too,
  // it may have lost the entries that the claim covers.
  bool before_gap = false;
};
using Claims = std::multimap<std::uint64_t, Claim>;  // keyed by size

// Not thread safe. Memory grows with the number of messages that should exist.
class Replay {
 public:
  // Called with each contradiction; nullopt if it is not about one message.
  using Found = std::function<void(std::optional<MessageId> message, std::string what)>;

  // `log` is a mailbox, or zero for the vault's own history. The replay compares each of `heads` when
  // it passes that size. A head that is larger than the history is reported too, so `heads` must have
  // been read before the first advance(). `kept` is the size of a checkpoint that was kept outside
  // the vault: a gap does not excuse differences from heads among the vault's first `kept` leaves.
  Replay(MailboxId log, Claims heads, Found found, std::uint64_t kept = 0)
      : log_(log), heads_(std::move(heads)), found_(std::move(found)), kept_(kept) {}

  // Replays up to the present head and compares the head. Call it again to replay what was appended
  // since. Fails only if the store cannot be read; contradictions go to `found`.
  Result<void> advance(store::Store& store);

  std::uint64_t size() const { return range_.size(); }  // leaves replayed so far
  std::uint64_t gaps() const { return gaps_; }          // Gap leaves among them
  // Returns the messages that should be here.
  const std::unordered_map<MessageId, Expected>& messages() const { return messages_; }
  // Returns what is expected of the message, or null if it should not be here. Valid until the next
  // advance().
  const Expected* find(const MessageId& message) const;
  // Returns the SHA-256 values that the mailbox's record may have: that of the newest leaf that is
  // certainly about it, and those of later leaves that may be about another record.
  const std::vector<Digest>& records() const { return records_; }
  // Return what the vault's history claims: heads of mailbox histories, and the mailboxes that were
  // created (false: removed again).
  const std::unordered_map<MailboxId, Claims>& heads() const { return claimed_; }
  const std::unordered_map<MailboxId, bool>& mailboxes() const { return mailboxes_; }

 private:
  void take(ByteView stored);
  void take_message(const store::Leaf& leaf);
  void take_other(const store::Leaf& leaf);
  void take_gap();
  void compare_heads();

  MailboxId log_;
  Claims heads_;
  Found found_;
  std::uint64_t kept_ = 0;
  store::CompactRange range_;
  Micros time_ = 0;
  bool damaged_ = false;  // an invalid leaf was reported; only the first one is
  std::uint64_t gaps_ = 0;
  std::unordered_map<MessageId, Expected> messages_;
  std::vector<Digest> records_;
  std::unordered_map<MailboxId, Claims> claimed_;
  std::unordered_map<MailboxId, bool> mailboxes_;
};

}  // namespace gw::vault

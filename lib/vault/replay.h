// A history read from its start: what it says of its mailbox, and whether it is the history that its head
// names. Internal to this part.
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

// What a message should be by the leaves about it.
struct Expected {
  store::State state = store::State::Live;
  std::uint64_t seq = 0;
  std::uint64_t octets = 0;
  Digest container{};
  Digest envelope{};
  Digest commitment{};
  bool before_gap = false;    // accepted before an accepted loss: it may be missing
  std::uint64_t touched = 0;  // index of the last leaf about it
};

// A root that another history or a note claims for a size of this one.
struct Claim {
  Digest root{};
  std::uint64_t index = 0;  // of the leaf that claims it
  bool before_gap = false;  // of the vault's history: where this one has a gap too, it may have lost that
};
using Claims = std::multimap<std::uint64_t, Claim>;  // by size

class Replay {
 public:
  using Found = std::function<void(std::optional<MessageId> message, std::string what)>;

  // `log` is a mailbox, or zero for the vault's own history. Each of `heads` is compared when the replay
  // passes it. No gap excuses from the heads among the vault's first `kept` leaves, which were kept
  // elsewhere.
  Replay(MailboxId log, Claims heads, Found found, std::uint64_t kept = 0)
      : log_(log), heads_(std::move(heads)), found_(std::move(found)), kept_(kept) {}

  // Reads on to the present head and compares. An Error only where the store could not be asked.
  Result<void> advance(store::Store& store);

  std::uint64_t size() const { return range_.size(); }
  std::uint64_t gaps() const { return gaps_; }
  const std::unordered_map<MessageId, Expected>& messages() const {
    return messages_;
  }  // that should be here
  const Expected* find(const MessageId& message) const;
  // Digests of the newest record that is known for sure, and of what came after it.
  const std::vector<Digest>& records() const { return records_; }
  // Of the vault's history.
  const std::unordered_map<MailboxId, Claims>& heads() const { return claimed_; }
  const std::unordered_map<MailboxId, bool>& mailboxes() const { return mailboxes_; }  // false: dropped

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
  bool damaged_ = false;  // said once
  std::uint64_t gaps_ = 0;
  std::unordered_map<MessageId, Expected> messages_;
  std::vector<Digest> records_;
  std::unordered_map<MailboxId, Claims> claimed_;
  std::unordered_map<MailboxId, bool> mailboxes_;
};

}  // namespace gw::vault

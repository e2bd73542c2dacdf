// One entry of a history: a fixed big-endian layout that is made once and never serialised again.
//
//   u8 version (1)   u8 type   u64 index   u64 time (µs)   16 mailbox   16 message   u64 value
//   32 container     32 envelope            32 commitment   u16 length, actor (at most 256 octets)
//
// Leaf hash = SHA-256(0x00 ‖ these octets) (RFC 6962 section 2.1). Fields that a type does not use are zero.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/id.h"
#include "base/result.h"

namespace gw::store {

enum class LeafType : std::uint8_t {
  // Of a message. value = octets as received; container, envelope and commitment as stored. All but Accepted
  // and Pending repeat the digests of the message they are about.
  Accepted = 1,
  Pending = 2,
  Settled = 3,      // pending became live
  Unconfirmed = 4,  // pending whose proxy went away
  Discarded = 5,    // pending whose original was refused upstream
  Drained = 6,      // taken by POP3 or export
  Removed = 7,      // by an administrator, or at once where there is no grace
  Expired = 8,      // swept after its grace time
  Undeleted = 9,    // drained became live again
  Exported = 10,    // a copy was taken; it stays
  Quarantined = 11,
  Released = 12,     // quarantined became live again
  Interrupted = 13,  // a drain ended without QUIT, and this is what it had asked for last
  // Of a mailbox. container = SHA-256 of the record's new value; value = generation for Key.
  MailboxMade = 32,  // first in the mailbox's history, and in the vault's
  Key = 33,          // a new generation
  Slot = 34,         // a slot was written or removed
  Status = 35,
  Setting = 36,  // anything else of a record
  Refused = 37,  // a sender that had named it heard 5xx; value = the reply's code
  // Of the vault's own history.
  VaultMade = 64,  // first; container = SHA-256 of the recovery recipient, zero without one
  MailboxDropped = 65,
  Admin = 66,
  Route = 67,
  Head = 68,  // mailbox; value = its history's size; container = its root
  Gap = 69,   // what came before may be missing: repair --accept-loss. In any history
};
std::string_view name(LeafType type);  // `accepted`, `mailbox-made`
bool of_message(LeafType type);

struct Leaf {
  LeafType type{};
  std::uint64_t index = 0;  // in its history, from 0; given at commit
  Micros time = 0;          // given at commit; never runs back within a history
  MailboxId mailbox;
  MessageId message;
  std::uint64_t value = 0;
  Digest container{};
  Digest envelope{};
  Digest commitment{};  // vault.md section 5: hides the content from who has no password
  std::string actor;    // `uid=992 append smtp 192.0.2.1`

  friend bool operator==(const Leaf&, const Leaf&) = default;
};

inline constexpr std::size_t kMaxActor = 256;

Bytes encode(const Leaf& leaf);  // a longer actor is cut
// Gives an encoded leaf, before anything hashed it, its index and time.
void place(Bytes& encoded, std::uint64_t index, Micros time);
// Corrupt for what is not a leaf, Version for a version or type of a newer gw.
Result<Leaf> decode_leaf(ByteView stored);

}  // namespace gw::store

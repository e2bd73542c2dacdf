// One leaf of a history: a fixed big-endian layout that is encoded once and then stored and hashed
// as these bytes, never re-encoded.
//
//   u8 version (1)   u8 type   u64 index   u64 time (µs)   16 mailbox   16 message   u64 value
//   32 container     32 envelope            32 commitment   u16 length, actor (at most 256 bytes)
//
// Leaf hash = SHA-256(0x00 ‖ these bytes) (RFC 6962, section 2.1). Fields that a type does not use
// are zero. Numbers of types are part of the format and never change their meaning.
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
  // Types 1 to 31 are about a message: value = size as received; container, envelope and commitment
  // as stored. All but Accepted and Pending repeat the digests of the message they are about, so
  // that a leaf is evidence on its own.
  Accepted = 1,
  Pending = 2,
  Settled = 3,       // a pending message became live
  Unconfirmed = 4,   // the proxy of a pending message went away before it settled it
  Discarded = 5,     // the upstream refused the original of a pending message
  Drained = 6,       // fetched and deleted by POP3 or gw-export
  Removed = 7,       // by an administrator, or after Drained if the mailbox has no grace period
  Expired = 8,       // swept after its grace period
  Undeleted = 9,     // a drained message became live again
  Exported = 10,     // a copy was taken; the message stays
  Quarantined = 11,  // set aside by an administrator
  Released = 12,     // a quarantined message became live again
  Interrupted = 13,  // a drain ended without QUIT after it had requested this message
  // Types 32 to 63 are about a mailbox: container = SHA-256 of the record's new value. MailboxMade
  // is the first leaf of a mailbox's history and appears in the vault's history too.
  MailboxMade = 32,
  Key = 33,      // a new generation; value = its number
  Slot = 34,     // a slot was written or removed
  Status = 35,   // suspended or active
  Setting = 36,  // any other change of a record
  Refused = 37,  // a client that named this mailbox received a 5xx reply; value = its code
  Opened = 38,   // a user opened it with its password, to read subjects and senders of its messages
  // Types from 64 on are about the vault. VaultMade is its first leaf: container = SHA-256 of the
  // recovery recipient, zero without one.
  VaultMade = 64,
  MailboxRemoved = 65,
  Admin = 66,
  Route = 67,
  Head = 68,  // tree head of a mailbox's history: value = its size, container = its root
  Gap = 69,   // entries before it may be missing after an accepted loss; in any history
  // Versions before these types recorded them as Setting.
  Backup = 70,    // a backup was completed
  Restored = 71,  // the vault was restored from a backup
  Verified = 72,  // a verification ran to its end; value = number of findings
};
// Returns the word for `type`, for example `mailbox-made`; `?` for a number that is not a type.
std::string_view name(LeafType type);
// Returns true for the types that are about a message.
bool of_message(LeafType type);

// A decoded leaf.
struct Leaf {
  LeafType type{};
  std::uint64_t index = 0;  // position in its history, from 0; set by the store
  Micros time = 0;          // set by the store; never decreases within a history
  MailboxId mailbox;
  MessageId message;
  std::uint64_t value = 0;
  Digest container{};
  Digest envelope{};
  // HMAC of the content under a key that only the mailbox's password gives, see gw-vault(7). It
  // reveals nothing to a reader without that key.
  Digest commitment{};
  // Who did it, and after the first `, ` what changed: `uid=992(gw-receive) append smtp 192.0.2.1`,
  // `uid=0(root) admin gw-store, route out: tls starttls -> implicit` (vault/change_note.h).
  std::string actor;

  friend bool operator==(const Leaf&, const Leaf&) = default;
};

inline constexpr std::size_t kMaxActor = 256;

// Returns the stored form. An actor longer than kMaxActor bytes is cut.
Bytes encode(const Leaf& leaf);
// Writes index and time into an encoded leaf. Must happen before the leaf is hashed.
void place(Bytes& encoded, std::uint64_t index, Micros time);
// Decodes a stored leaf. Fails with Corrupt if it is not one, Version if its version or type
// belongs to a newer gw.
Result<Leaf> decode_leaf(ByteView stored);

}  // namespace gw::store

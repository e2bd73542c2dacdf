// The records that a store keeps beside the messages' ciphertext.
//
// Plain structs here; stored as protobuf (store/record.proto), with fields of newer versions carried along
// when an older one edits a record. Nothing in them is a secret of a message: a thief of the vault may read
// them all.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/id.h"
#include "base/result.h"

namespace gw::store {

// What a message may be in. POP3 and export show live and unconfirmed ones.
enum class State : std::uint8_t {
  Pending = 1,      // a proxy's copy whose original is not yet settled upstream
  Live = 2,         // here to be drained
  Unconfirmed = 3,  // a pending one whose proxy went away: shown like live, marked in lists
  Drained = 4,      // taken by the archive; kept for the grace time
  Quarantined = 5,  // set aside by an administrator
};
std::string_view name(State state);  // `live`
std::optional<State> parse_state(std::string_view name);

struct MessageRecord {
  MessageId id;
  std::uint64_t seq = 0;  // index, in the mailbox's history, of the leaf that made it visible: its order
  State state = State::Live;
  Micros received = 0;
  Micros changed = 0;                  // when it came into this state; the grace time counts from here
  std::uint64_t octets = 0;            // of the message as received
  std::uint64_t wire_octets = 0;       // as POP3 sends it, before dot-stuffing
  std::uint64_t container_octets = 0;  // of the sealed container
  std::uint32_t generation = 0;        // of the key it is sealed to
  Digest container{};                  // SHA-256 of the container
  Digest envelope{};                   // SHA-256 of the sealed envelope
  Digest commitment{};                 // as in its leaf (vault.md section 5)
  bool large = false;                  // the container is a file of its own

  friend bool operator==(const MessageRecord&, const MessageRecord&) = default;
};

// A mailbox's key pair of one rotation. New mail is sealed to the newest.
struct Generation {
  std::uint32_t number = 0;  // from 1
  std::array<std::byte, 32> public_key{};
  Micros since = 0;

  friend bool operator==(const Generation&, const Generation&) = default;
};

enum class Status : std::uint8_t { Active = 1, Suspended = 2 };  // suspended: nothing new, draining goes on
enum class Trace : std::uint8_t {
  Auto = 0,
  On = 1,
  Off = 2
};  // lines that POP3 puts in front (mail/trace.h)
// `active`, `suspended`; `auto`, `on`, `off`: as options and JSON have it. Any other word is none.
std::string_view name(Status status);
std::string_view name(Trace trace);
std::optional<Status> parse_status(std::string_view word);
std::optional<Trace> parse_trace(std::string_view word);

inline constexpr std::int64_t kReceipts = std::int64_t{90} * 86'400;

struct MailboxRecord {
  MailboxId id;
  std::string name;         // [a-z0-9._-], 1 to 64, unique in the vault
  std::string description;  // free text, UTF-8
  Status status = Status::Active;
  std::vector<Generation> generations;  // ascending; at least one
  std::vector<std::string> aliases;     // `local@domain`, lower case
  std::vector<std::string> domains;     // catch-all domains, lower case
  std::uint64_t quota = 0;              // octets of live messages; 0: none
  std::int64_t grace = 86'400;          // seconds from drained to removed
  std::int64_t receipts = kReceipts;    // seconds that a swept message's receipt is kept; 0: none
  bool hold = false;                    // legal hold: nothing is swept
  Trace trace = Trace::Auto;
  std::vector<std::string> allow;    // CIDR blocks of senders; empty: all
  bool allow_reject = false;         // a miss is 550 instead of 450
  bool require_tls = false;          // no mail without TLS
  std::optional<Digest> token_hash;  // of the sender token (vault.md section 1); none: no AUTH asked
  Micros created = 0;
  std::uint64_t version = 0;  // of the record as read; put_mailbox checks it. 0: not yet stored
  std::string unknown;        // fields of newer versions, kept as they are

  const Generation& newest() const { return generations.back(); }
  // The address that is always there: `mbx-<id>`, without a domain.
  std::string local_part() const { return "mbx-" + id.hex(); }
};

struct MailboxStat {
  std::uint64_t live = 0;         // live and unconfirmed
  std::uint64_t live_octets = 0;  // raw octets of these: what the quota counts
  std::uint64_t wire_octets = 0;  // the same as POP3 sends them
  std::uint64_t unconfirmed = 0;
  std::uint64_t pending = 0;
  std::uint64_t drained = 0;
  std::uint64_t quarantined = 0;
  std::uint64_t accepted = 0;  // ever
  std::uint64_t log_size = 0;  // leaves in the mailbox's history
  Micros oldest = 0;           // received time of the oldest live one; 0: none
  Micros last_delivery = 0;
  Micros last_drain = 0;

  friend bool operator==(const MailboxStat&, const MailboxStat&) = default;
};

// The receipt of a swept message: what proves its content to who has the password, and opens nothing else.
struct Swept {
  MessageRecord record;  // as it was last
  Micros gone = 0;
  Bytes header;    // the container's age header
  Bytes envelope;  // sealed

  friend bool operator==(const Swept&, const Swept&) = default;
};
// The age header that a container begins with, up to the line end behind its MAC; empty: it has none of at
// most 4 KiB.
ByteView age_header(ByteView container);
inline constexpr std::size_t kMostHeader = 4096;

// Encoded forms. decode gives Corrupt for what is not one of these.
Bytes encode(const MessageRecord& record);
Result<MessageRecord> decode_message(ByteView stored);
Bytes encode(const Swept& swept);
Result<Swept> decode_swept(ByteView stored);
Bytes encode(const MailboxRecord& record);  // without `version`, which the store keeps beside it
Result<MailboxRecord> decode_mailbox(ByteView stored);

// Small records, by kind, mailbox (zero: the vault's own) and name.
enum class Kind : std::uint8_t {
  Mailbox = 1,  // name empty
  Slot = 2,     // name `password` or `recovery`
  Name = 3,     // mailbox zero, name = the mailbox's name; value = its id
  Alias = 4,    // mailbox zero, name = hex SHA-256(vault id, address or `@domain`); value = mailbox id
  Setting = 5,  // the vault's own settings, and the keeper's notes to itself
  Admin = 6,    // accounts of the console
  Route = 7,    // routes of the proxy
};

struct RecordKey {
  Kind kind{};
  MailboxId mailbox;
  std::string name;  // at most 128 octets

  auto operator<=>(const RecordKey&) const = default;
};

struct Record {
  RecordKey key;
  Bytes value;  // at most 1 MiB
  std::uint64_t version = 0;
};

}  // namespace gw::store

// The records that a store keeps beside the ciphertext of the messages.
//
// Here they are plain structs; stored, they are protobuf (store/record.proto). When an older gw
// edits a mailbox record of a newer one, the fields that it does not know are preserved. Records
// contain no secret of a message: a thief of the vault can read them all (see gw-vault(7)).
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

// The state of a message. POP3 and gw-export show live and unconfirmed messages only. The numbers
// are stored and must not change.
enum class State : std::uint8_t {
  Pending = 1,      // gw-proxy's archive copy whose original the upstream has not yet answered
  Live = 2,         // waits to be drained
  Unconfirmed = 3,  // was pending when its proxy went away: shown like live, marked in lists
  Drained = 4,      // drained; kept for the grace period
  Quarantined = 5,  // set aside by an administrator
};
// Returns the word for a state: `live`.
std::string_view name(State state);
// Returns the state with this name; nullopt if there is none.
std::optional<State> parse_state(std::string_view name);

// What the store knows in clear about one message. POP3's LIST and UIDL need nothing else.
struct MessageRecord {
  MessageId id;
  // The order of messages: the index, in the mailbox's history, of the leaf that made the message
  // visible. A pending message has the index of its Pending leaf and gets a new seq when it
  // settles.
  std::uint64_t seq = 0;
  State state = State::Live;         // current state
  Micros received = 0;               // when the server received it
  Micros changed = 0;                // when it entered this state
  std::uint64_t size = 0;            // size of the message as received
  std::uint64_t wire_size = 0;       // size as POP3 sends it, before dot-stuffing
  std::uint64_t container_size = 0;  // size of the sealed container
  std::uint32_t generation = 0;      // of the key that it is sealed to
  Digest container{};                // SHA-256 of the container
  Digest envelope{};                 // SHA-256 of the sealed envelope
  Digest commitment{};               // as in its leaf, see gw-vault(7)
  bool large = false;  // true if the container is a file of its own, false if it is in the database

  friend bool operator==(const MessageRecord&, const MessageRecord&) = default;
};

// The public key of one generation of a mailbox. New mail is sealed to the newest.
struct Generation {
  std::uint32_t number = 0;                // from 1, ascending
  std::array<std::byte, 32> public_key{};  // X25519
  Micros since = 0;                        // when the generation was created

  friend bool operator==(const Generation&, const Generation&) = default;
};

// Whether a mailbox accepts new messages. A suspended mailbox refuses them; it can still be
// drained.
enum class Status : std::uint8_t { Active = 1, Suspended = 2 };
// Which trace lines POP3 inserts at the start of a message (see mail/trace.h).
enum class Trace : std::uint8_t { Auto = 0, On = 1, Off = 2 };
// Convert to and from the words of options and JSON: `active`, `suspended`; `auto`, `on`, `off`.
// The parsers return nullopt for any other word.
std::string_view name(Status status);
std::string_view name(Trace trace);
std::optional<Status> parse_status(std::string_view word);
std::optional<Trace> parse_trace(std::string_view word);

// The default of MailboxRecord::receipts, in seconds: 90 days.
inline constexpr std::int64_t kReceipts = std::int64_t{90} * 86'400;

// The settings of a mailbox.
struct MailboxRecord {
  MailboxId id;
  std::string name;         // [a-z0-9._-], 1 to 64 bytes, unique in the vault
  std::string description;  // free text, UTF-8, at most 64 KiB
  Status status = Status::Active;
  std::vector<Generation> generations;  // ascending by number; at least one
  std::vector<std::string> aliases;     // `local@domain`, lower case
  std::vector<std::string> domains;     // catch-all domains, lower case, without `@`
  std::uint64_t quota = 0;              // most bytes of live messages as received; 0: unlimited
  // grace period in seconds, from drained to removed; 0: removed immediately
  std::int64_t grace = 86'400;
  // seconds for which removal records are kept; 0: none are written
  std::int64_t receipts = kReceipts;
  bool hold = false;               // legal hold: no sweep removes anything
  Trace trace = Trace::Auto;       // see Trace
  std::vector<std::string> allow;  // CIDR blocks that clients may send from; empty: all
  bool allow_reject = false;       // a client outside of `allow` receives 550 instead of 450
  bool require_tls = false;        // refuses mail over a connection without TLS
  // of the sender token, see gw-vault(7); nullopt: no AUTH needed
  std::optional<Digest> token_hash;
  Micros created = 0;         // when the mailbox was created
  std::uint64_t version = 0;  // of the record as read, checked by put_mailbox(); 0: not yet stored
  std::string unknown;        // protobuf fields of a newer gw, written back unchanged

  // Returns the generation that new mail is sealed to. Requires at least one.
  const Generation& newest() const { return generations.back(); }
  // Returns the address that every mailbox has, `mbx-<id>`, without a domain.
  std::string local_part() const { return "mbx-" + id.hex(); }
};

// The counters of a mailbox. Sizes are in bytes.
struct MailboxStat {
  std::uint64_t live = 0;         // live and unconfirmed messages
  std::uint64_t live_bytes = 0;   // their size as received: what the quota counts
  std::uint64_t wire_size = 0;    // their size as POP3 sends them
  std::uint64_t unconfirmed = 0;  // of the live ones, those that are unconfirmed
  std::uint64_t pending = 0;
  std::uint64_t drained = 0;
  std::uint64_t quarantined = 0;
  std::uint64_t accepted = 0;  // messages ever accepted
  std::uint64_t log_size = 0;  // leaves in the mailbox's history
  Micros oldest = 0;           // received time of the first live message by seq; 0 if there is none
  Micros last_delivery = 0;    // 0 if there was none
  Micros last_drain = 0;       // 0 if there was none

  friend bool operator==(const MailboxStat&, const MailboxStat&) = default;
};

// A removal record: what remains of a message that was swept. Its holder can prove the content with
// the mailbox's password, but no byte of the mail can be opened from it.
struct RemovalRecord {
  MessageRecord record;  // as it was when the message was removed
  Micros gone = 0;       // when it was removed
  Bytes header;          // the age header of its container
  Bytes envelope;        // sealed

  friend bool operator==(const RemovalRecord&, const RemovalRecord&) = default;
};
// Returns the age header at the start of a container, up to and including the line ending after its
// MAC. Empty if there is none within kMaxHeader bytes. The view points into `container`.
ByteView age_header(ByteView container);
inline constexpr std::size_t kMaxHeader = 4096;

// Stored forms. The decoders fail with Corrupt if the bytes are not such a record, decode_removal_record()
// with Version if a newer gw wrote it.
Bytes encode(const MessageRecord& record);
Result<MessageRecord> decode_message(ByteView stored);
Bytes encode(const RemovalRecord& swept);
Result<RemovalRecord> decode_removal_record(ByteView stored);
// The version is not encoded: the store keeps it beside the value.
Bytes encode(const MailboxRecord& record);
Result<MailboxRecord> decode_mailbox(ByteView stored);

// The kinds of small records. A zero mailbox in the key means the vault itself. The numbers are
// stored.
enum class Kind : std::uint8_t {
  Mailbox = 1,  // a MailboxRecord; name empty
  Slot = 2,     // wrapped secret keys; name `password` or `recovery`
  Name = 3,     // index: mailbox zero, name = the mailbox's name, value = its id
  // index: mailbox zero, name = alias_key() of an address or `@domain`, value = mailbox id
  Alias = 4,
  Setting = 5,  // settings of the vault, and state that the keeper stores for itself
  Admin = 6,    // accounts and API tokens of the console
  Route = 7,    // routes of gw-proxy
};

struct RecordKey {
  Kind kind{};
  MailboxId mailbox;
  std::string name;  // at most 128 bytes

  auto operator<=>(const RecordKey&) const = default;
};

// A small record as stored.
struct Record {
  RecordKey key;
  Bytes value;                // at most Limits::record bytes
  std::uint64_t version = 0;  // for put_if() and erase_if()
};

}  // namespace gw::store

// Where ciphertext is kept: the interface that everything above stands on.
//
// A Store never sees a plaintext or a password. No operation spans two mailboxes, so that a distributed
// engine can stand behind it. LocalStore (RocksDB) is the keeper's, RemoteStore speaks to the keeper over a
// Unix socket, MemoryStore is the model that tests compare with. One contract suite runs over all.
//
// Every operation may fail with Unavailable (surely not done), Unknown (perhaps done: ask `find` once),
// Usage (this socket may not), Corrupt, or Busy; comments name only what is particular. NotFound says that
// there is no such thing in the store, and nothing else: trouble of the system never is NotFound or Denied.
// Every change is durable when its call returns. All methods may be called from several threads.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/id.h"
#include "base/result.h"
#include "store/leaf.h"
#include "store/record.h"
#include "store/sync_times.h"
#include "store/tally.h"

namespace gw::store {

struct Limits {
  std::size_t batch = 100'000;   // messages in one transition
  std::size_t record = 1 << 20;  // octets of a small record, and of a sealed envelope
  std::size_t chunk = 64 << 10;  // octets that one put or read moves over a socket
  std::size_t notes = 256;       // messages that are noted at once
};

struct Health {
  VaultId vault;
  bool writable = true;  // false: only reading works, see `reason`
  bool damaged = false;  // acknowledged mail is missing, or may be, see `reason`
  bool full = false;     // below the low mark: appends answer Full
  std::string reason;    // why not writable, for people
  std::uint64_t free_octets = 0;
  std::uint64_t free_inodes = 0;
  std::uint64_t commits = 0;  // ever
  std::uint64_t mailboxes = 0;
  std::uint64_t queued = 0;  // changes that wait for their commit at this moment
  SyncTimes syncs;
  bool senders = false;  // a mailbox has a sender token: AUTH can succeed
  std::string verifier;  // what checkpoints of this store are checked with; empty: it signs none
};

// A sealed message on its way in. Destruction without a commit leaves nothing behind.
struct Commit {
  Micros received = 0;
  std::uint64_t octets = 0;
  std::uint64_t wire_octets = 0;
  std::uint32_t generation = 0;  // Conflict unless the mailbox's slots hold it
  Digest container{};            // SHA-256 of all that was put
  Bytes envelope;                // sealed
  Digest commitment{};
  std::vector<Digest> fingerprints;  // gw-proxy's, for seen()
  bool pending = false;              // else live at once
  std::string actor;
};

struct Receipt {
  std::uint64_t seq = 0;
  std::array<std::byte, 16> token{};  // the right to settle or discard this pending message
};

class Append {
 public:
  virtual ~Append() = default;
  // More of the container, in order. Full: no room.
  virtual Result<void> put(ByteView container) = 0;
  // Exists: this message id is in the mailbox, or was. Conflict: generation unknown, or the mailbox is
  // suspended. Corrupt: what was put is not what `container` is the digest of. Full, OverQuota. After any
  // answer the Append is done.
  virtual Result<Receipt> commit(const Commit& commit) = 0;
};

// One drain at a time. Ends with release (destruction), with its time, with its connection, and with the
// keeper's life, whichever is first; then every use answers LeaseLost.
class Lease {
 public:
  virtual ~Lease() = default;
  virtual Result<void> renew() = 0;
  virtual std::uint64_t number() const = 0;
};

enum class Guess : unsigned char {
  Next,   // a try is about to be judged
  Wrong,  // it was wrong
  Right,  // it was right: the source's wrong ones are forgotten
};

// The right to fill this many octets with Argon2id. Given back at destruction.
class Permit {
 public:
  virtual ~Permit() = default;
};

struct Transition {
  MailboxId mailbox;
  std::vector<MessageId> messages;
  State from{};             // from Live, unconfirmed ones go too
  std::optional<State> to;  // none: removed for good (discarded, where `from` is pending)
  std::string actor;
  const Lease* lease = nullptr;  // checked when the change is made; none: no lease asked for
  std::optional<std::array<std::byte, 16>> token;  // receipt of a pending message, on the append socket
};

// What a history gains when a small record changes. The leaf goes to the history of the key's mailbox.
struct Note {
  LeafType type{};
  std::string actor;
  std::uint64_t value = 0;
};

struct Slot {
  std::string name;  // `password`, `recovery`
  Bytes value;       // empty: removed
};

// A recipient as a receiver may see it.
struct Recipient {
  MailboxRecord mailbox;   // without its description
  std::uint64_t room = 0;  // octets until the quota; the largest value without one
};

// What a reader needs first.
struct Opening {
  Bytes envelope;          // sealed
  std::size_t octets = 0;  // of the container, from its start
};

enum class Lookup : std::uint8_t {
  Recipient =
      1,      // `mbx-<id>` at any domain or none, alias, catch-all domain; a `+tag` is dropped; case ignored
  Login = 2,  // the same but catch-all, and a bare mailbox name or id
};

struct LogHead {
  std::uint64_t size = 0;
  Digest root{};
  Micros time = 0;  // of the last leaf

  friend bool operator==(const LogHead&, const LogHead&) = default;
};

struct SweepReport {
  std::uint64_t expired = 0;
  std::uint64_t octets = 0;
  std::uint64_t receipts = 0;  // of messages swept before, whose time was over
  bool more = false;           // the budget ended it
};

struct Purge {
  std::uint64_t number = 0;
  bool done = false;
};

// A file of a snapshot.
struct SnapshotFile {
  std::string name;  // within a vault's folder: `head`, `db/000012.sst`
  std::uint64_t octets = 0;
  bool immutable = false;  // under this name there is never anything else while the vault goes on
  Fd content;              // for reading
};

// The files of a store at one moment, as a whole vault, to be copied while the store goes on. It holds room
// on the disk and no lock: changes, removals among them, happen beside it. Ends with destruction, with its
// connection and with the keeper's life.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  // Everything up to this commit is in it.
  virtual std::uint64_t commits() const = 0;
  // The next one, in no order; none: those were all. Full: the disk has filled, and the snapshot was given
  // up.
  virtual Result<std::optional<SnapshotFile>> next() = 0;
};

// While it lives no change is made to the store: each answers Busy, and those that were under way have been
// made or not. Reading goes on. Ends with destruction, with its connection and with the keeper's life.
class Suspension {
 public:
  virtual ~Suspension() = default;
  // From now on, and durably, what was here is elsewhere (store/vault_format.h): this store is never opened
  // again, and no change is made to it ever after. Full and the like: it has not moved. Unknown: ask its
  // format.
  virtual Result<void> moved(std::string_view place, std::string_view token) = 0;
};

class Store {
 public:
  virtual ~Store() = default;

  virtual Limits limits() const { return {}; }
  virtual Result<Health> health() = 0;
  // The id of the vault. A store that knows it from the start answers without asking anybody.
  virtual Result<VaultId> vault_id() {
    const Result<Health> now = health();
    if (!now) return now.error();
    return now->vault;
  }

  // Mailboxes. version 0 makes one (Exists: id, name or alias taken), otherwise the record is replaced
  // (Conflict: not that version). The slots named are written with it. Indexes of name, aliases and domains
  // follow. The leaf is of the note's type, MailboxMade for a new one.
  virtual Result<void> put_mailbox(const MailboxRecord& record, const std::vector<Slot>& slots,
                                   const Note& note) = 0;
  // Conflict unless it is suspended and holds no message in any state.
  virtual Result<void> drop_mailbox(const MailboxId& mailbox, std::string_view actor) = 0;
  virtual Result<MailboxRecord> mailbox(const MailboxId& mailbox) = 0;
  virtual Result<std::vector<MailboxRecord>> mailboxes() = 0;  // by name
  virtual Result<Recipient> resolve(std::string_view address, Lookup lookup) = 0;
  virtual Result<MailboxStat> stat(const MailboxId& mailbox) = 0;

  // Messages.
  virtual Result<std::unique_ptr<Append>> begin(const MailboxId& mailbox, const MessageId& message) = 0;
  virtual Result<MessageRecord> find(const MailboxId& mailbox, const MessageId& message) = 0;
  // With seq above `after`, ascending, at most `limit`, in every state.
  virtual Result<std::vector<MessageRecord>> list(const MailboxId& mailbox, std::uint64_t after,
                                                  std::size_t limit) = 0;
  virtual Result<Bytes> envelope(const MailboxId& mailbox, const MessageId& message) = 0;
  // Octets of the container from `offset`; as many as there are, up to `to.size()`. 0 at the end.
  virtual Result<std::size_t> read(const MailboxId& mailbox, const MessageId& message, std::uint64_t offset,
                                   std::span<std::byte> to) = 0;
  // envelope() and read() from offset 0 in one exchange: all there is to ask for a small message.
  virtual Result<Opening> opening(const MailboxId& mailbox, const MessageId& message,
                                  std::span<std::byte> to) {
    Result<Bytes> sealed = envelope(mailbox, message);
    if (!sealed) return sealed.error();
    const Result<std::size_t> octets = read(mailbox, message, 0, to);
    if (!octets) return octets.error();
    return Opening{std::move(*sealed), *octets};
  }
  // All or nothing. A message that is in `to` already (or gone, when draining or removing) counts as done and
  // gets no leaf; in any other state than `from`: Conflict; never there: NotFound. Gives how many changed.
  // Drained where the grace time is 0: gone at once. What becomes visible by it gets its seq by it.
  virtual Result<std::size_t> transition(const Transition& transition) = 0;
  virtual Result<bool> seen(const MailboxId& mailbox, const Digest& fingerprint) = 0;

  // Busy: somebody has it; the error's text names the holder and since when. A holder that names `yields` has
  // its lease taken by the next who comes once it has not renewed for so long; 0: only at the lease's end.
  virtual Result<std::unique_ptr<Lease>> acquire(const MailboxId& mailbox, std::string_view owner,
                                                 std::chrono::seconds ttl,
                                                 std::chrono::seconds yields = std::chrono::seconds(0)) = 0;
  // Waits at most 5 s in a queue, then Busy.
  virtual Result<std::unique_ptr<Permit>> permit(std::uint64_t octets) = 0;

  // Slows down guesses of passwords, counted over all clients of this store: returns how long the next try
  // from `source` (net::source_of) has to wait. A store without other clients does not count.
  virtual Result<std::chrono::milliseconds> guess(std::string_view /*source*/, Guess /*guess*/) {
    return std::chrono::milliseconds(0);
  }

  // Small records. Mailbox, Name and Alias records change only through put_mailbox (else Denied). A version
  // is 1 more than the index of the leaf that noted the change, so none comes twice.
  virtual Result<Record> get(const RecordKey& key) = 0;
  // version 0: Exists if it is there. Otherwise Conflict unless it is at that version. Gives the new version.
  virtual Result<std::uint64_t> put_if(const RecordKey& key, std::uint64_t version, ByteView value,
                                       const Note& note) = 0;
  virtual Result<void> erase_if(const RecordKey& key, std::uint64_t version, const Note& note) = 0;
  // Of one kind and mailbox, names after `after`, ascending.
  virtual Result<std::vector<Record>> scan(Kind kind, const MailboxId& mailbox, std::string_view after,
                                           std::size_t limit) = 0;

  // Histories. A zero mailbox id names the vault's own.
  virtual Result<LogHead> history_head(const MailboxId& log) = 0;
  virtual Result<std::vector<Bytes>> history_read(const MailboxId& log, std::uint64_t from,
                                                  std::size_t limit) = 0;
  // One leaf with no other change (exported, …); index and time are given here. Gives its index. NotFound: it
  // is about a message that is not there, or not any more.
  virtual Result<std::uint64_t> note(const MailboxId& log, const Leaf& leaf) = 0;
  // Such a leaf for each of these messages, at most limits().notes, in one commit; those that are not there
  // are passed over. Gives how many were noted.
  virtual Result<std::size_t> note_messages(const MailboxId& mailbox, const Leaf& like,
                                            std::span<const MessageId> messages) {
    std::size_t noted = 0;
    for (const MessageId& message : messages) {
      Leaf leaf = like;
      leaf.message = message;
      const Result<std::uint64_t> index = note(mailbox, leaf);
      if (!index && index.error().code() != Code::NotFound) return index.error();
      noted += index ? 1 : 0;
    }
    return noted;
  }
  // A head leaf for each mailbox whose history grew since its last one, then a signed note over the vault's
  // history (C2SP tlog-checkpoint). Config: this store has no history key.
  virtual Result<std::string> checkpoint(std::string_view actor) = 0;

  // Removes drained messages whose grace time is over, oldest first, and receipts whose time is, at most
  // `budget` of each; of this mailbox only, unless it is zero. Both times are counted while the store is open
  // (store/kept_time.h); with `now` it is enough that they are over by the wall clock. A budget of 0 removes
  // nothing, and the report says what would go.
  virtual Result<SweepReport> sweep(std::size_t budget, bool now, const MailboxId& only = {}) = 0;
  // Receipts of messages that a sweep, or a drain without grace, removed: with ids from `from` on, ascending;
  // fewer than `limit` where they come to a MiB before. None: there are no more.
  virtual Result<std::vector<Swept>> swept(const MailboxId& mailbox, const MessageId& from,
                                           std::size_t limit) = 0;
  // Rewrites files until nothing in them holds what was removed or replaced before: bodies, receipts, slots.
  // 0 begins; it goes on by itself, and each call with the number that it gave waits a few seconds for the
  // end. A snapshot of before is waited for. Full: there is no room to move what stays.
  virtual Result<Purge> purge(std::uint64_t number) = 0;

  // What a server's session did, and the sums of it all since the store was opened. Not durable.
  virtual Result<void> tally(const Tally& tally) = 0;
  virtual Result<std::vector<Tally>> tallies() = 0;

  // Busy: there is one already. Full. Unavailable: this store is not made of files, or is read-only.
  virtual Result<std::unique_ptr<Snapshot>> snapshot() {
    return Error(Code::Unavailable, "this store is not made of files");
  }
  // Busy: it is suspended already, or under too much work. Unavailable: as for a snapshot.
  virtual Result<std::unique_ptr<Suspension>> suspend() {
    return Error(Code::Unavailable, "this store is not made of files");
  }
};

// Signs heads of the vault's history; made by vault/checkpoint.h, handed to a store at open.
struct Signer {
  std::function<Result<std::string>(const VaultId& vault, const LogHead& head)> sign;
  std::function<std::string(const VaultId& vault)> verifier;  // what its signatures are checked with
  explicit operator bool() const { return static_cast<bool>(sign); }
};

// What put_mailbox's indexes are keyed with: hex SHA-256(vault id ‖ lower-case text), so that no address is a
// key.
std::string alias_key(const VaultId& vault, std::string_view address_or_domain);

}  // namespace gw::store

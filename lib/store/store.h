// The interface to the ciphertext of a vault: mailboxes, sealed messages, small records and
// histories.
//
// A Store never sees plaintext, a password or a secret key; sealing and opening happen in its
// callers. There are three implementations: LocalStore (local/local_store.h) keeps RocksDB and
// files on disk and runs only in the keeper, RemoteStore asks the keeper over a Unix socket, and
// MemoryStore (tests/support/memory_store.h) is the model for tests. One contract test suite runs against all
// three. No operation spans two mailboxes, so that a distributed engine remains possible.
//
// A message is stored by begin(), put() and commit(), and leaves by transition():
//
//   auto append = store.begin(mailbox, message);
//   if (append) (*append)->put(sealed_container);
//   auto result = (*append)->commit(commit);            // durable, or an error
//   ...
//   store.transition({mailbox, {message}, State::Live, State::Drained, actor, lease.get()});
//
// Errors. Every operation may fail with Unavailable (the operation was certainly not done), Unknown
// (it may have been done: call find() once to learn it), Usage (this socket does not allow it),
// Corrupt or Busy. The comments below name only the additional codes. NotFound always means that
// the thing does not exist in the store; a failure of the system is never reported as NotFound or
// Denied, because callers turn those into permanent replies.
//
// Durability: a change is on disk when its call returns without an error. Thread safety: all
// methods of a Store may be called from several threads; an Append, Lease, Snapshot or Suspension
// belongs to one thread at a time and must not outlive its Store. Sizes are in bytes, times
// (Micros) in microseconds since the epoch, unless a comment says otherwise.
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
#include "store/server_stats.h"
#include "store/sync_histogram.h"

namespace gw::store {

// The limits that a store enforces on its callers.
struct Limits {
  std::size_t batch = 100'000;   // most messages in one transition()
  std::size_t record = 1 << 20;  // most bytes of a small record, and of a sealed envelope
  std::size_t chunk = 64 << 10;  // most bytes that one put() or read() moves over a socket
  std::size_t notes = 256;       // most messages in one note_messages()
};

// Something that is wrong with a store as a whole. Only the store knows what it keeps mail on, so it
// judges its own storage and says what to do; `gw-store doctor` and the console pass that on.
struct Trouble {
  // For programs that translate the trouble. Other: only `text` says what it is.
  enum class Kind : std::uint8_t { Other = 0, ReadOnly = 1, Full = 2, LittleRoom = 3 };
  Kind kind{};
  bool urgent = false;  // mail is at risk or does not flow; false: it is a warning
  std::string check;    // name for scripts, such as `vault` or `disk`; never changed
  std::string text;     // what is wrong, for people
  std::string hint;     // what to do about it

  friend bool operator==(const Trouble&, const Trouble&) = default;
};

// The state of a store for monitoring and for `gw-store status`. It is a copy of counters: reading
// it costs no disk access.
struct Health {
  VaultId vault;
  // The kind of the store, as in VAULT/format; empty if a keeper of an older version is asked.
  std::string kind;
  bool writable = true;  // false if only reading works; `reason` says why
  // true if acknowledged mail is missing or may be missing; `reason` says why
  bool damaged = false;
  bool full = false;   // free space is below the low mark: appends fail with Full
  std::string reason;  // why the store is not writable, for people; empty if it is
  // Bytes that the store may still use. For a local store: those that an unprivileged process may
  // still use on the vault's file system.
  std::uint64_t free_bytes = 0;
  // The store's capacity in bytes: for a local store, the size of that file system. 0 if a keeper of
  // an older version is asked.
  std::uint64_t disk_bytes = 0;
  std::uint64_t free_inodes = 0;
  std::uint64_t commits = 0;    // number of the last commit since the vault was created
  std::uint64_t mailboxes = 0;  // number of mailboxes
  std::uint64_t queued = 0;     // changes that wait for their group commit at this moment
  SyncHistogram syncs;          // durations of the synced writes since the store was opened
  // true if any mailbox has a sender token, so that SMTP AUTH can succeed
  bool senders = false;
  // The public key that verifies this store's checkpoints, in the text form of a C2SP signed note.
  // Empty if the store has no history key.
  std::string verifier;
  std::vector<Trouble> troubles;  // empty if nothing is wrong
};

// The description of a sealed message, passed to Append::commit() after its container was put. The
// caller computes every field; the store checks the digest, the sizes and the generation.
struct Commit {
  Micros received = 0;          // when the server received the message
  std::uint64_t size = 0;       // size of the message as received; the quota counts it
  std::uint64_t wire_size = 0;  // size as POP3 sends it, before dot-stuffing
  // of the public key it is sealed to; Conflict unless the mailbox has it
  std::uint32_t generation = 0;
  Digest container{};                // SHA-256 of all bytes that were put
  Bytes envelope;                    // sealed envelope, at most Limits::record bytes
  Digest commitment{};               // commits to the content without revealing it, see gw-vault(7)
  std::vector<Digest> fingerprints;  // keyed hashes from gw-proxy, for seen(); at most 16
  // true: stored as pending until it is settled; false: live immediately
  bool pending = false;
  // who did it, for the history; at most kMaxActor bytes are kept
  std::string actor;
};

// The commit result: what Append::commit() returns for a stored message.
struct CommitResult {
  std::uint64_t seq = 0;  // position of the message in the mailbox, see MessageRecord::seq
  // The pending token: it authorises its holder to settle or discard this message on the append
  // socket. All zeros unless the message is pending. It is valid only while the store stays open.
  std::array<std::byte, 16> token{};
};

// One message while it is being stored. Destruction without a commit leaves nothing in the store.
class Append {
 public:
  virtual ~Append() = default;
  // Appends bytes to the container, in order. Fails with Full if the disk has no room, Busy if
  // another Append of the same id is under way; after an error every later call fails with Usage.
  virtual Result<void> put(ByteView container) = 0;
  // Makes the message durable and visible (or pending) and writes its leaf. May be called once; the
  // Append is finished whatever the answer. Fails with Exists if the message id is in the mailbox
  // or ever was, Conflict if the generation is unknown or the mailbox is suspended, Corrupt if the
  // bytes put do not have the digest `Commit::container`, NotFound if the mailbox is gone,
  // BadInput, Full, OverQuota, or Busy if another Append of the same id is under way.
  virtual Result<CommitResult> commit(const Commit& commit) = 0;
};

// The exclusive right to drain one mailbox. It ends with the first of: destruction (release),
// expiry of its time, the end of its connection, the end of the keeper. After that every use fails
// with LeaseLost.
class Lease {
 public:
  virtual ~Lease() = default;
  // Extends the lease by its full time from now. Fails with LeaseLost if it has already ended.
  virtual Result<void> renew() = 0;
  // Returns the number that identifies this lease to the store; unique in the life of a keeper.
  virtual std::uint64_t number() const = 0;
};

// What guess() is told about one attempt to log in.
enum class Guess : unsigned char {
  Next,   // an attempt is about to be checked
  Wrong,  // the password was wrong
  Right,  // the password was right: forget the earlier failures of this source
};

// A memory permit: the right to use a number of bytes for Argon2id. Returned by destruction.
class MemoryPermit {
 public:
  virtual ~MemoryPermit() = default;
};

// A request to move messages from one state to another.
struct Transition {
  MailboxId mailbox;
  std::vector<MessageId> messages;  // at most Limits::batch; a repeated id counts once
  State from{};                     // Live also matches unconfirmed messages
  // The new state. nullopt removes the messages for good (recorded as discarded if `from` is
  // pending).
  std::optional<State> to;
  std::string actor;
  // Checked inside the commit, so that a lease that was lost in the meantime changes nothing. null
  // if the operation needs no lease.
  const Lease* lease = nullptr;
  // The pending token of the message. Required on the append socket, nullopt on the others.
  std::optional<std::array<std::byte, 16>> token;
};

// The history entry that accompanies a change of a small record. Its leaf goes to the history of
// the key's mailbox, or to the vault's own history if the key has a zero mailbox.
struct Note {
  // Key, Slot, Status, Setting, Admin or Route; see check_note() in rules.h
  LeafType type{};
  std::string actor;        // who makes the change, for example `uid=992 admin`
  std::uint64_t value = 0;  // depends on the type: the new generation for Key
};

// A slot to write together with a mailbox record.
struct Slot {
  std::string name;  // `password` or `recovery`
  Bytes value;       // the wrapped secret keys; empty removes the slot
};

// A mailbox as an SMTP receiver may see it.
struct Recipient {
  MailboxRecord mailbox;   // with an empty description
  std::uint64_t room = 0;  // bytes left before the quota is reached; the maximum without a quota
};

// What a reader needs first to open a message: the result of opening().
struct MessageStart {
  Bytes envelope;  // sealed
  // number of container bytes written to the caller's buffer, from offset 0
  std::size_t size = 0;
};

// How resolve() interprets an address.
enum class Lookup : std::uint8_t {
  // For SMTP: `mbx-<id>` at any domain or without one, an alias, or a catch-all domain. A `+tag` is
  // removed and case is ignored.
  Recipient = 1,
  // For POP3 and AUTH: the same without catch-all domains; also a bare mailbox name or a bare id.
  Login = 2,
};

// A tree head: the size and root hash of a history (RFC 6962, section 2.1).
struct LogHead {
  std::uint64_t size = 0;  // number of leaves
  Digest root{};           // root hash over these leaves; SHA-256 of nothing if there are none
  Micros time = 0;         // time of the last leaf

  friend bool operator==(const LogHead&, const LogHead&) = default;
};

// What one sweep() removed, or would remove.
struct SweepReport {
  std::uint64_t expired = 0;   // messages that were removed
  std::uint64_t size = 0;      // their size as received
  std::uint64_t receipts = 0;  // removal records that were removed
  // true if the budget ended the sweep before everything due was removed
  bool more = false;
};

// The progress of a purge.
struct Purge {
  std::uint64_t number = 0;  // identifies the purge: pass it to purge() again to wait for the end
  bool done = false;
};

// One file of a snapshot.
struct SnapshotFile {
  std::string name;        // relative to the vault directory: `head`, `db/000012.sst`
  std::uint64_t size = 0;  // size of the file
  // the content under this name never changes, so an earlier copy can be reused
  bool immutable = false;
  Fd content;  // open for reading, at offset 0; owned by the receiver
};

// A consistent view of all files of a vault, to be copied while the store goes on. It takes disk
// space but no lock: removed messages keep occupying space until it ends. It ends with destruction,
// with its connection and with the keeper.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  // Returns the number of the last commit that the snapshot is guaranteed to contain.
  virtual std::uint64_t commits() const = 0;
  // Returns the next file, in no particular order, or nullopt after the last one. Fails with Full
  // if the disk filled and the store gave the snapshot up; then the copy is unusable.
  virtual Result<std::optional<SnapshotFile>> next() = 0;
};

// Stops all changes to the store while it lives: each one fails with Busy. A change that was under
// way when the suspension began is either complete or refused. Reading goes on. It ends with
// destruction, with its connection and with the keeper. Used for the last copy of a migration.
class Suspension {
 public:
  virtual ~Suspension() = default;
  // Records durably that the vault is now at `place` (see store/vault_format.h). Afterwards this
  // store accepts no change, and this directory is never opened as a vault again. `token` must be
  // the one that the new directory's format file contains. After an error such as Full the vault
  // has not moved; after Unknown only the format file tells.
  virtual Result<void> moved(std::string_view place, std::string_view token) = 0;
};

// The store itself. See the comment at the top of this file for errors and threads.
class Store {
 public:
  virtual ~Store() = default;

  // Returns the limits that this store enforces.
  virtual Limits limits() const { return {}; }
  // Returns the current state; see Health.
  virtual Result<Health> health() = 0;
  // Returns the id of the vault. Implementations that know it from the start override this and do
  // not ask the keeper.
  virtual Result<VaultId> vault_id() {
    const Result<Health> now = health();
    if (!now) return now.error();
    return now->vault;
  }

  // Creates a mailbox if `record.version` is 0, otherwise replaces its record. Writes the given
  // slots and updates the indexes of names, aliases and domains in the same commit. The leaf has
  // the note's type, or MailboxMade for a new mailbox, which also gets a leaf in the vault's
  // history. Fails with Exists if the id, name, alias or domain is taken (an id is taken for ever),
  // Conflict if the stored record has another version, NotFound, or BadInput.
  virtual Result<void> put_mailbox(const MailboxRecord& record, const std::vector<Slot>& slots,
                                   const Note& note) = 0;
  // Removes a mailbox with its slots, settings, fingerprints and removal records; its history
  // stays. Fails with Conflict unless it is suspended and holds no message in any state.
  virtual Result<void> remove_mailbox(const MailboxId& mailbox, std::string_view actor) = 0;
  // Returns the record of a mailbox. Fails with NotFound if it does not exist.
  virtual Result<MailboxRecord> mailbox(const MailboxId& mailbox) = 0;
  // Returns all mailbox records, sorted by name.
  virtual Result<std::vector<MailboxRecord>> mailboxes() = 0;
  // Returns the mailbox that an address or login names; see Lookup. Fails with NotFound if it names
  // none.
  virtual Result<Recipient> resolve(std::string_view address, Lookup lookup) = 0;
  // Returns the counters of a mailbox. Fails with NotFound if it does not exist.
  virtual Result<MailboxStat> stat(const MailboxId& mailbox) = 0;

  // Starts storing a message. May already fail for the reasons that commit() would fail for
  // (NotFound, Exists, Full, Busy), so that no data is sent in vain.
  virtual Result<std::unique_ptr<Append>> begin(const MailboxId& mailbox, const MessageId& message) = 0;
  // Returns the record of a message in any state. Fails with NotFound if the message is gone or
  // never existed.
  virtual Result<MessageRecord> find(const MailboxId& mailbox, const MessageId& message) = 0;
  // Returns the messages with a seq above `after`, ascending, in every state, at most `limit`.
  // Empty after the last one.
  virtual Result<std::vector<MessageRecord>> list(const MailboxId& mailbox, std::uint64_t after,
                                                  std::size_t limit) = 0;
  // Returns the sealed envelope of a message. Fails with NotFound if the message is gone.
  virtual Result<Bytes> envelope(const MailboxId& mailbox, const MessageId& message) = 0;
  // Reads container bytes from `offset` and returns how many: as many as exist, up to `to.size()`;
  // 0 at the end. Fails with Corrupt if the file of a large message is missing or has another size.
  virtual Result<std::size_t> read(const MailboxId& mailbox, const MessageId& message, std::uint64_t offset,
                                   std::span<std::byte> to) = 0;
  // Does envelope() and read() from offset 0 in one round trip, which is all that a small message
  // needs.
  virtual Result<MessageStart> opening(const MailboxId& mailbox, const MessageId& message,
                                       std::span<std::byte> to) {
    Result<Bytes> sealed = envelope(mailbox, message);
    if (!sealed) return sealed.error();
    const Result<std::size_t> size = read(mailbox, message, 0, to);
    if (!size) return size.error();
    return MessageStart{std::move(*sealed), *size};
  }
  // Changes the state of all the messages or of none, and returns how many changed. A message that
  // is already in `to` (or already gone, if `to` is Drained or nullopt) counts as done and gets no
  // leaf. If the mailbox has no grace period, a drained message is removed immediately. A message
  // that becomes visible by the change gets a new seq. Fails with Conflict if a message is in
  // another state than `from`, NotFound if it never existed, LeaseLost, Denied if the pending token
  // is wrong, or BadInput if there is no transition between the two states.
  virtual Result<std::size_t> transition(const Transition& transition) = 0;
  // Returns true if a message with this fingerprint was committed to the mailbox and not discarded.
  // gw-proxy asks it, so that a mail that is delivered twice is copied once.
  virtual Result<bool> seen(const MailboxId& mailbox, const Digest& fingerprint) = 0;

  // Acquires the exclusive lease on the mailbox for `ttl` (at most 24 hours). Fails with Busy if
  // another client holds it; the error text names the holder and since when. If `yields` > 0,
  // another caller may take the lease over once it has not been renewed for that long; with 0, only
  // after it expires.
  virtual Result<std::unique_ptr<Lease>> acquire(const MailboxId& mailbox, std::string_view owner,
                                                 std::chrono::seconds ttl,
                                                 std::chrono::seconds yields = std::chrono::seconds(0)) = 0;
  // Waits in a first-come queue until `size` bytes of Argon2id memory are free. Fails with Busy
  // after 5 seconds.
  virtual Result<std::unique_ptr<MemoryPermit>> permit(std::uint64_t size) = 0;

  // Slows down password guessing. Returns how long the next attempt from `source` (see
  // net::source_of) must wait, counted over all clients of this store. A store without other
  // clients does not count and returns 0.
  virtual Result<std::chrono::milliseconds> guess(std::string_view /*source*/, Guess /*guess*/) {
    return std::chrono::milliseconds(0);
  }

  // Small records. Mailbox, Name and Alias records change only through put_mailbox(); changing them
  // here fails with Denied. The version of a record is 1 more than the index of the leaf that
  // recorded its last change, so that a version never repeats.
  //
  // Returns a record, or fails with NotFound.
  virtual Result<Record> get(const RecordKey& key) = 0;
  // Writes a record and returns its new version. With `version` 0 it creates the record and fails
  // with Exists if there is one; otherwise it fails with Conflict unless the stored record has that
  // version.
  virtual Result<std::uint64_t> put_if(const RecordKey& key, std::uint64_t version, ByteView value,
                                       const Note& note) = 0;
  // Removes a record. Fails with Conflict unless it exists with that version, BadInput if `version`
  // is 0.
  virtual Result<void> erase_if(const RecordKey& key, std::uint64_t version, const Note& note) = 0;
  // Returns records of one kind and mailbox with names after `after` (from the first if it is
  // empty), in ascending order, at most `limit`.
  virtual Result<std::vector<Record>> scan(Kind kind, const MailboxId& mailbox, std::string_view after,
                                           std::size_t limit) = 0;

  // Histories. In these functions a zero mailbox id names the vault's own history. The history of a
  // removed mailbox stays readable.
  //
  // Returns the current tree head.
  virtual Result<LogHead> history_head(const MailboxId& log) = 0;
  // Returns encoded leaves from index `from`, ascending, at most `limit`. Empty if `from` is at or
  // after the end.
  virtual Result<std::vector<Bytes>> history_read(const MailboxId& log, std::uint64_t from,
                                                  std::size_t limit) = 0;
  // Appends one leaf without any other change (such as Exported) and returns its index. The store
  // sets index, time and, for a leaf about a message, the digests. Fails with NotFound if the
  // message does not exist or is gone, BadInput if the type may not stand alone.
  virtual Result<std::uint64_t> note(const MailboxId& log, const Leaf& leaf) = 0;
  // Appends one leaf like `like` for each message, at most Limits::notes of them, in one commit.
  // Messages that do not exist are skipped. Returns how many leaves were appended.
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
  // Appends a Head leaf for each mailbox whose history grew since its last one, then returns the
  // signed tree head of the vault's history (a C2SP tlog-checkpoint signed note). Fails with Config
  // if the store has no history key.
  virtual Result<std::string> checkpoint(std::string_view actor) = 0;

  // Removes drained messages whose grace period is over, oldest first, and removal records whose
  // time is over, at most `budget` of each. A mailbox under legal hold is skipped. `only` restricts
  // it to one mailbox unless it is zero. Both times count only while the store is open
  // (store/kept_time.h); with `now` it is enough that they are over by the wall clock. A budget of
  // 0 removes nothing and reports what would be removed.
  virtual Result<SweepReport> sweep(std::size_t budget, bool now, const MailboxId& only = {}) = 0;
  // Returns removal records with message ids from `from` (inclusive), ascending, at most `limit`; a
  // page may be shorter than `limit` once it reaches kRemovalRecordPage bytes. Empty after the last one.
  virtual Result<std::vector<RemovalRecord>> removal_records(const MailboxId& mailbox, const MessageId& from,
                                                             std::size_t limit) = 0;
  // Rewrites files until none of them contains data that was removed or replaced before the call:
  // bodies, removal records, old slots. 0 starts a purge, which goes on by itself; each call with
  // the returned number waits up to 2 seconds for its end. A purge ends only after older snapshots
  // have ended. Fails with Full if there is no room for the rewritten files, NotFound if the number
  // is unknown because the keeper restarted.
  virtual Result<Purge> purge(std::uint64_t number) = 0;

  // Adds what a server's session did to the server statistics. They are kept in memory and lost
  // when the store closes.
  virtual Result<void> stats(const ServerStats& stats) = 0;
  // Returns the sums since the store was opened, by name.
  virtual Result<std::vector<ServerStats>> server_stats() = 0;

  // Creates a snapshot. Fails with Busy if one exists already, Full if there is too little room,
  // Unavailable if the store has no files or is read-only.
  virtual Result<std::unique_ptr<Snapshot>> snapshot() {
    return Error(Code::Unavailable, "this store has no files");
  }
  // Suspends all changes. Fails with Busy if the store is already suspended, Unavailable as for
  // snapshot().
  virtual Result<std::unique_ptr<Suspension>> suspend() {
    return Error(Code::Unavailable, "this store has no files");
  }
};

// Signs tree heads of the vault's history. Created by vault/checkpoint.h and passed to a store when
// it is opened; the store itself never sees the private key.
struct Signer {
  // Returns the signed note for this head; null if there is no history key.
  std::function<Result<std::string>(const VaultId& vault, const LogHead& head)> sign;
  // returns the public key that verifies them
  std::function<std::string(const VaultId& vault)> verifier;
  explicit operator bool() const { return static_cast<bool>(sign); }
};

// Returns the key of an address or domain in the alias index: hex SHA-256(vault id ‖ lower-case
// text). It is a hash so that no key in the database contains an address.
std::string alias_key(const VaultId& vault, std::string_view address_or_domain);

}  // namespace gw::store

// Reads mail out of a mailbox: with the mailbox's password, under a lease.
//
//   Result<Drain> drain = Drain::open(store, "mbx-…", password, "pop3 192.0.2.7");
//   for (const store::MessageRecord& record : drain->messages()) {
//     Result<Message> message = drain->open(record);
//     while (Result<ByteView> chunk = message->next(); chunk && !chunk->empty()) ...
//   }
//   drain->remove(ids, actor);
//
// Message can also be used without a drain (open_message()) by programs that hold the keys and
// change nothing, such as gw-export without removal.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "seal/keypair.h"
#include "store/store.h"
#include "vault/envelope.h"

namespace gw::vault {

// One message, opened chunk by chunk (64 KiB of plain text each). No byte of a chunk is returned
// before the chunk's authentication tag was checked. Not thread safe; several messages may be read
// in parallel.
class Message {
 public:
  Message(Message&&) noexcept;
  Message& operator=(Message&&) noexcept;
  ~Message();

  // Returns the envelope, which open_message() has opened and authenticated. Valid as long as the
  // message.
  const Envelope& envelope() const;
  // Returns the key that checks the message's bytes against the commitment in the history
  // (seal/envelope.h). It decrypts nothing. Valid as long as the message.
  ByteView commitment_key() const;
  // Returns the next bytes of the message as received, or an empty view at the end, after length
  // and SHA-256 were compared with the envelope. The view is valid until the next call of any
  // function of this object. Fails with Corrupt if the container is damaged or cut; the bytes
  // returned so far must then not be taken for the whole message. An error is final: later calls
  // return it again.
  Result<ByteView> next();
  // Makes next() start again at the first byte.
  void rewind();

  // Returns the length of the message in bytes.
  std::uint64_t size() const;
  // Fills `to` with the bytes from `offset` on, independently of the position of next(). Each chunk
  // is authenticated together with its position, but the SHA-256 of the whole is only compared by
  // next(). Fails with Internal if the range ends after size(), with Corrupt if the container is
  // damaged.
  Result<void> read(std::uint64_t offset, std::span<std::byte> to);

 private:
  // Opens a message with the keys in `ring`: decrypts the file key and the envelope and checks that
  // the container belongs to this vault, mailbox, message and record, and that the history's
  // commitment is to the same content. `store` must outlive the message. Fails with Corrupt if any
  // of these checks fails.
  friend Result<Message> open_message(store::Store&, const seal::KeyRing&, const VaultId&, const MailboxId&,
                                      const store::MessageRecord&);
  struct State;
  explicit Message(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

Result<Message> open_message(store::Store& store, const seal::KeyRing& ring, const VaultId& vault,
                             const MailboxId& mailbox, const store::MessageRecord& record);

// Appends an Exported entry to the mailbox's history for each of these messages, and skips messages
// that are gone. Returns false if the vault accepts no change because it is read-only or its disk
// is full: reading mail must stay possible then. Fails on any other error.
Result<bool> note_exported(store::Store& store, const MailboxId& mailbox, std::string_view actor,
                           std::span<const MessageId> messages);

// A login to a mailbox that holds its lease: at most one drain per mailbox exists at any time. The
// lease ends with destruction. Not thread safe except for open().
class Drain {
 public:
  // A drain shows at most so many messages, the oldest, or fewer if the store changes fewer in one
  // transition (Limits::batch); the rest follow at the next login. This bounds the memory of a POP3
  // session.
  static constexpr std::size_t kMaxMessages = 100'000;

  // Checks the password, acquires the lease for `ttl` and lists the messages. `owner` describes the
  // client, for the error that others get meanwhile. If `yields` > 0, another login may take over a
  // lease that was not renewed for that long; with 0, only after it expires. `store` must outlive
  // the drain.
  //
  // Fails with Denied if the mailbox is unknown or the password is wrong, after the same amount of
  // work; with Busy if another drain holds the lease; with Unavailable if there is no memory permit
  // because too many logins are in progress.
  static Result<Drain> open(store::Store& store, std::string_view login, const Secret& password,
                            std::string_view owner, std::chrono::seconds ttl = std::chrono::minutes(20),
                            std::chrono::seconds yields = std::chrono::seconds(0));
  Drain(Drain&&) noexcept;
  Drain& operator=(Drain&&) noexcept;
  ~Drain();

  // Return the mailbox and its opened keys as of open(). The references are valid as long as the
  // drain.
  const store::MailboxRecord& mailbox() const;
  const seal::KeyRing& ring() const;
  // Returns the live and unconfirmed messages as of open(), in order of their sequence numbers.
  const std::vector<store::MessageRecord>& messages() const;
  // Opens one of messages(). May be called from several threads at the same time. The message stays
  // valid after the drain is destroyed, as long as the store lives.
  Result<Message> open(const store::MessageRecord& record);
  // Extends the lease by its `ttl` again. Fails with LeaseLost if it has ended.
  Result<void> renew();
  // Appends an Interrupted entry to the history: the client went away without QUIT, and `record` is
  // the message that it had requested last. `gw-store doctor` finds messages that break drains by
  // these entries.
  Result<void> interrupted(const store::MessageRecord& record, std::string_view actor);
  // Moves these messages to the state drained, all or none, provided that the lease still holds.
  // Without messages it only renews the lease. Fails with LeaseLost if the lease has ended, with
  // Conflict or NotFound as store::Store::transition().
  Result<void> remove(std::span<const MessageId> messages, std::string_view actor);
  // Checks whether a remove() whose outcome was Unknown has happened, by one of its messages: true
  // if the message is drained or gone. Fails with NotFound if it is not one of messages().
  Result<bool> removed(const MessageId& message) const;

 private:
  struct State;
  explicit Drain(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gw::vault

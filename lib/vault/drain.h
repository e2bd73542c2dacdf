// Taking mail out of a mailbox: with the password, under a lease.
//
//   Result<Drain> drain = Drain::open(store, "mbx-…", password, "pop3 192.0.2.7");
//   for (const store::MessageRecord& record : drain->messages()) {
//     Result<Message> message = drain->open(record);
//     while (Result<ByteView> chunk = message->next(); chunk && !chunk->empty()) ...
//   }
//   drain->remove(ids);
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

// One message being read: opened chunk by chunk, each released only after its authentication tag was checked.
class Message {
 public:
  Message(Message&&) noexcept;
  Message& operator=(Message&&) noexcept;
  ~Message();

  const Envelope& envelope() const;  // opened and checked before the first octet
  // With it anybody compares octets with the history (seal/envelope.h); it opens nothing.
  ByteView commitment_key() const;
  // The next octets of the message as received; empty at the end, after length and SHA-256 were compared.
  // Corrupt: what was given so far must not be taken for the whole. Valid until the next call of anything
  // here.
  Result<ByteView> next();
  // next() starts again at the first octet.
  void rewind();

  // Fills `to` with the octets from `offset` on, in any order beside next(). Each chunk's tag is checked, and
  // with it its place; only next() compares the whole. The caller asks for nothing past the end.
  std::uint64_t octets() const;
  Result<void> read(std::uint64_t offset, std::span<std::byte> to);

 private:
  friend Result<Message> open_message(store::Store&, const seal::KeyRing&, const VaultId&, const MailboxId&,
                                      const store::MessageRecord&);
  struct State;
  explicit Message(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Checks the age header and the envelope, which bind the container to this vault, mailbox, message and
// record.
Result<Message> open_message(store::Store& store, const seal::KeyRing& ring, const VaultId& vault,
                             const MailboxId& mailbox, const store::MessageRecord& record);

// Notes in the history that these messages were given to somebody. False if the vault takes no change,
// because it is read-only or its disk is full: reading does not depend on it.
Result<bool> note_exported(store::Store& store, const MailboxId& mailbox, std::string_view actor,
                           std::span<const MessageId> messages);

class Drain {
 public:
  static constexpr std::size_t kMaxMessages = 100'000;  // the oldest; the rest at the next login

  // Denied: unknown mailbox or wrong password, after the same work. Busy: another drain holds the lease.
  // Unavailable: no permit for the work either, too many logins are going on.
  // Not renewed for `yields`, the lease goes to the next who asks (0: never before its end).
  static Result<Drain> open(store::Store& store, std::string_view login, const Secret& password,
                            std::string_view owner, std::chrono::seconds ttl = std::chrono::minutes(20),
                            std::chrono::seconds yields = std::chrono::seconds(0));
  Drain(Drain&&) noexcept;
  Drain& operator=(Drain&&) noexcept;
  ~Drain();

  const store::MailboxRecord& mailbox() const;
  const seal::KeyRing& ring() const;
  // Live and unconfirmed ones as of open(), by seq.
  const std::vector<store::MessageRecord>& messages() const;
  // May be called from several threads.
  Result<Message> open(const store::MessageRecord& record);
  Result<void> renew();
  // Notes in the history that the drain ends before its end, and that this is what was asked for last.
  Result<void> interrupted(const store::MessageRecord& record, std::string_view actor);
  // Moves these to drained, all or none, while the lease still holds.
  Result<void> remove(std::span<const MessageId> messages, std::string_view actor);
  // After an Unknown from remove(): whether it was done, as this one of its messages shows.
  Result<bool> removed(const MessageId& message) const;

 private:
  struct State;
  explicit Drain(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gw::vault

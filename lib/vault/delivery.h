// Delivers one message into a mailbox. The receiving process seals it to the mailbox's public key,
// so that the store and the keeper only ever see ciphertext.
//
//   Result<Delivery> delivery = Delivery::begin(store, recipient, std::move(envelope), actor);
//   delivery->write(bytes); ...
//   Result<Stored> stored = delivery->finish();     // durable when this returns
//
// A delivery needs constant memory for a message of any size: one chunk of 64 KiB. It first calls
// the store when a chunk is full or in finish(). A delivery that is destroyed without finish()
// leaves nothing in the store. Not thread safe.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "store/store.h"
#include "vault/envelope.h"

namespace gw::vault {

// What finish() has committed.
struct Stored {
  MessageId id;
  store::CommitResult result;  // sequence number, and the pending token of a pending message
  Digest container{};          // SHA-256 of the container that the store holds
};

class Delivery {
 public:
  // Starts a delivery with a new file key. The message gets `id` if given, a new id otherwise. The
  // time of this call becomes the envelope's `received`. `actor` names the client in the history
  // entry. `store` must outlive the delivery. Fails with Corrupt if the recipient's public key is
  // missing or unusable.
  static Result<Delivery> begin(store::Store& store, const store::Recipient& recipient, Envelope envelope,
                                std::string actor, std::optional<MessageId> id = std::nullopt);
  Delivery(Delivery&&) noexcept;
  Delivery& operator=(Delivery&&) noexcept;
  ~Delivery();

  // Returns the id that the message will have. The reference is valid as long as the delivery.
  const MessageId& id() const;
  // Seals the next bytes of the message, as received. After a failure every further call, and
  // finish(), returns the same error. Fails as store::Store::begin() and store::Append::put().
  Result<void> write(ByteView data);
  // Seals the rest and the envelope, and commits the message, as live or as pending. Call it once.
  // If the outcome of the commit is Unknown, it asks the store once whether the message is there;
  // an outcome that is still unknown afterwards is reported as Unknown. A pending message stays
  // Unknown without that question, because its pending token is lost with the reply. Fails as
  // store::Append::commit(), among others with Exists, Conflict, Full and OverQuota.
  Result<Stored> finish(bool pending = false);

  // Adds a fingerprint by which gw-proxy recognises the same mail later (store::Store::seen()).
  // Call it before finish().
  void add_fingerprint(const Digest& fingerprint);

 private:
  struct State;
  explicit Delivery(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gw::vault

// One message on its way into a mailbox: sealed here, in the receiver's process, to the mailbox's public key.
//
//   Delivery delivery = Delivery::begin(store, recipient, std::move(envelope), actor);
//   delivery.write(octets); ...
//   Result<Stored> stored = delivery.finish();      // durable when this returns
//
// Constant memory at any size: one 64 KiB chunk. The store is first spoken to when a chunk is full or at
// finish(). Destruction without finish() leaves nothing behind.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "store/store.h"
#include "vault/envelope.h"

namespace gw::vault {

struct Stored {
  MessageId id;
  store::Receipt receipt;
  Digest container{};  // SHA-256 of what the store holds
};

class Delivery {
 public:
  // Takes a fresh file key, and a fresh message id unless one is given. `store` must outlive the delivery.
  static Result<Delivery> begin(store::Store& store, const store::Recipient& recipient, Envelope envelope,
                                std::string actor, std::optional<MessageId> id = std::nullopt);
  Delivery(Delivery&&) noexcept;
  Delivery& operator=(Delivery&&) noexcept;
  ~Delivery();

  const MessageId& id() const;
  Result<void> write(ByteView octets);
  // Settles what the store will hold and commits it. Where the outcome is Unknown it asks once whether the
  // message is there; what then is still unknown stays Unknown.
  Result<Stored> finish(bool pending = false);

  void add_fingerprint(const Digest& fingerprint);

 private:
  struct State;
  explicit Delivery(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gw::vault

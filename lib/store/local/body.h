// The value that the bodies family stores for a message: its container (unless that is a file in
// VAULT/large) and its sealed envelope.
//
//   container, envelope, u32 length of the envelope, u8 (0: container in this value; 1: in a file)
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <optional>

#include "store/keys.h"
#include "store/local/engine.h"

namespace gw::store {

// Size of the trailer.
inline constexpr std::size_t kTrailer = 5;
// Returns the trailer for an envelope of that many bytes.
Bytes body_trailer(std::size_t envelope, bool large);

// The parts of a stored body, as views into it.
struct BodyParts {
  ByteView container;  // empty if it is a file
  ByteView envelope;
  bool large = false;  // true if the container is a file
};
// Splits a stored body. Returns nullopt if it is not one.
std::optional<BodyParts> split_body(ByteView stored);

// A body in memory; it keeps RocksDB's block pinned, so the views are valid as long as the Body.
class Body {
 public:
  ByteView container() const;  // empty if it is a file
  ByteView envelope() const;
  bool large() const { return large_; }

 private:
  friend class Bodies;
  Pinned stored_;
  std::size_t envelope_ = 0;
  bool large_ = false;
};

// Reads bodies and caches the last few, because a reader requests a container piece by piece and
// RocksDB returns whole values only. Bodies never change, so a cached one is never stale; a removed
// one must be forgotten. Thread-safe. The Engine must outlive it.
class Bodies {
 public:
  explicit Bodies(const Engine& engine) : engine_(engine) {}

  // Reads a body. Fails with NotFound if there is none, or Corrupt; RocksDB checks its checksum
  // before a byte of it is returned.
  Result<std::shared_ptr<const Body>> read(const MailboxId& mailbox, const MessageId& message);
  // Drops a body from the cache. Call it after the commit that removed the body.
  void forget(const MailboxId& mailbox, const MessageId& message);

 private:
  struct Kept {
    MailboxId mailbox;
    MessageId message;
    std::shared_ptr<const Body> body;
  };

  const Engine& engine_;
  std::mutex mutex_;
  std::list<Kept> kept_;         // most recently used first
  std::uint64_t forgotten_ = 0;  // counts forget(), see read()
};

}  // namespace gw::store

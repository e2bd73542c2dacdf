// What the bodies family holds for a message: its container, unless that is a file, and its sealed envelope.
//
//   container, envelope, u32 length of the envelope, u8 (0: as said; 1: the container is a file)
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <optional>

#include "store/local/engine.h"
#include "store/local/keys.h"

namespace gw::store {

inline constexpr std::size_t kTrailer = 5;
Bytes body_trailer(std::size_t envelope, bool large);

// The three parts of a stored body; none: it is not one.
struct BodyParts {
  ByteView container;  // empty where it is a file
  ByteView envelope;
  bool large = false;
};
std::optional<BodyParts> split_body(ByteView stored);

class Body {
 public:
  ByteView container() const;  // empty where it is a file
  ByteView envelope() const;
  bool large() const { return large_; }

 private:
  friend class Bodies;
  Pinned stored_;
  std::size_t envelope_ = 0;
  bool large_ = false;
};

// Reads bodies, and keeps the last few: a reader asks for a container piece by piece, and RocksDB gives a
// whole value each time. Bodies never change; a removed one is forgotten.
class Bodies {
 public:
  explicit Bodies(const Engine& engine) : engine_(engine) {}

  // NotFound, or Corrupt: damage is noticed before an octet of it is given.
  Result<std::shared_ptr<const Body>> read(const MailboxId& mailbox, const MessageId& message);
  void forget(const MailboxId& mailbox, const MessageId& message);

 private:
  struct Kept {
    MailboxId mailbox;
    MessageId message;
    std::shared_ptr<const Body> body;
  };

  const Engine& engine_;
  std::mutex mutex_;
  std::list<Kept> kept_;  // the last used in front
  std::uint64_t forgotten_ = 0;
};

}  // namespace gw::store

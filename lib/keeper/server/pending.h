// Pending messages, by the session that committed them.
//
// gw-proxy commits a message as pending and settles or discards it once the upstream server has
// accepted or refused the mail. If its connection ends first, nothing will settle the message, and
// the keeper marks it unconfirmed, so that it becomes visible instead of being lost.
#pragma once

#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "store/store.h"

namespace gw::keeper {

// Records which session committed each pending message. All sessions share one object, since a
// message may be settled over another connection than the one it was committed on. Thread-safe.
class PendingMessages {
 public:
  struct Message {
    MailboxId mailbox;
    MessageId message;
    // The actor that the history records when the message becomes unconfirmed.
    std::string actor{};
  };
  // Adds a message that `session` (only an identity, never dereferenced) has committed. Call it
  // before the client receives the reply to its commit, and so before it can settle the message.
  void add(const void* session, const Message& message);
  // Forgets messages that were settled or discarded, whichever session committed them.
  void settled(const std::vector<MessageId>& messages);
  // Removes and returns all messages of this session. Call it when the session ends.
  std::vector<Message> take(const void* session);
  // Keeps messages whose session has ended and which could not be marked unconfirmed then, e.g.
  // because the vault was suspended; take_left() removes and returns them.
  void leave(const Message& message);
  std::vector<Message> take_left();

 private:
  struct Owned {
    const void* session;
    MailboxId mailbox;
  };
  std::mutex mutex_;
  std::unordered_map<MessageId, Owned> messages_;
  std::vector<Message> left_;
};

// Marks these pending messages as unconfirmed. Messages that are not pending any more are skipped.
// A message that cannot be marked now stays in `pending` (leave()) for the next attempt.
void mark_unconfirmed(store::Store& store, PendingMessages& pending,
                      const std::vector<PendingMessages::Message>& messages);

}  // namespace gw::keeper

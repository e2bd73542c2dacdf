// Messages that a session of this keeper committed as pending, until they are settled.
#pragma once

#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "store/store.h"

namespace gw::keeper {

// Which session committed each message that is pending. Shared, since one may be settled over another
// connection.
class PendingMessages {
 public:
  struct Message {
    MailboxId mailbox;
    MessageId message;
    std::string actor{};  // who is said to have left it
  };
  void add(const void* session, const Message& message);
  void settled(const std::vector<MessageId>& messages);
  std::vector<Message> take(const void* session);  // all of this session's
  // Those whose session has ended and that could not be marked then.
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

// Marks these pending messages of the store as unconfirmed. What cannot be now is left in `pending` for the
// next time.
void mark_unconfirmed(store::Store& store, PendingMessages& pending,
                      const std::vector<PendingMessages::Message>& messages);

}  // namespace gw::keeper

#include "keeper/server/pending.h"

#include <utility>

#include "base/log.h"

namespace gw::keeper {

void PendingMessages::add(const void* session, const Message& message) {
  const std::lock_guard lock(mutex_);
  messages_[message.message] = {session, message.mailbox};
}

void PendingMessages::settled(const std::vector<MessageId>& messages) {
  const std::lock_guard lock(mutex_);
  for (const MessageId& message : messages) messages_.erase(message);
}

std::vector<PendingMessages::Message> PendingMessages::take(const void* session) {
  std::vector<Message> taken;
  const std::lock_guard lock(mutex_);
  // A walk over all sessions' messages is cheap: a message is pending only while the upstream
  // server decides.
  for (auto at = messages_.begin(); at != messages_.end();) {
    if (at->second.session != session) {
      ++at;
      continue;
    }
    taken.push_back({at->second.mailbox, at->first});
    at = messages_.erase(at);
  }
  return taken;
}

void PendingMessages::leave(const Message& message) {
  const std::lock_guard lock(mutex_);
  left_.push_back(message);
}

std::vector<PendingMessages::Message> PendingMessages::take_left() {
  const std::lock_guard lock(mutex_);
  return std::exchange(left_, {});
}

void mark_unconfirmed(store::Store& store, PendingMessages& pending,
                      const std::vector<PendingMessages::Message>& messages) {
  // One transition for each message: a transition is all or nothing, so one that was settled
  // meanwhile would keep the others pending.
  for (const PendingMessages::Message& message : messages) {
    store::Transition change;
    change.mailbox = message.mailbox;
    change.messages = {message.message};
    change.from = store::State::Pending;
    change.to = store::State::Unconfirmed;
    change.actor = message.actor;
    const auto changed = store.transition(change);
    // Conflict or NotFound: another connection has settled or discarded the message in the
    // meantime, which is what was wanted.
    if (changed || changed.error().code() == Code::Conflict || changed.error().code() == Code::NotFound)
      continue;
    log::error("pending message not marked unconfirmed",
               {{"id", message.message.hex()}, {"error", changed.error().text()}});
    // E.g. Busy, while the vault is suspended. The sweeper and the end of the suspension try again;
    // after a restart the store itself finds messages that are still pending.
    pending.leave(message);
  }
}

}  // namespace gw::keeper

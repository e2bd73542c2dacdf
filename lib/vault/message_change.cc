#include "vault/message_change.h"

#include <algorithm>
#include <map>

namespace gw::vault {
namespace {

using store::State;

// Returns the state that the change leads to, or nullopt if the message is removed.
std::optional<State> target(MessageChange change) {
  switch (change) {
    case MessageChange::Quarantine:
      return State::Quarantined;
    case MessageChange::Restore:
      return State::Live;
    case MessageChange::Remove:
      break;
  }
  return std::nullopt;
}

}  // namespace

bool possible(MessageChange change, State from) {
  switch (change) {
    case MessageChange::Quarantine:
      return from == State::Live || from == State::Unconfirmed;
    case MessageChange::Restore:
      return from == State::Drained || from == State::Quarantined;
    case MessageChange::Remove:
      break;
  }
  // The proxy holds the pending token of a pending message and will settle it.
  return from != State::Pending;
}

// A transition has one source state, so the messages are grouped by their present state.
Result<ChangedMessages> change_messages(store::Store& store, const MailboxId& mailbox, MessageChange change,
                                        std::span<const MessageId> ids, std::string_view actor,
                                        bool dry_run) {
  const std::optional<State> to = target(change);
  std::map<State, std::vector<MessageId>> groups;
  ChangedMessages changed;
  for (const MessageId& id : ids) {
    const Result<store::MessageRecord> record = store.find(mailbox, id);
    if (!record && record.error().code() != Code::NotFound) return record.error();
    if (!record) {
      changed.failed.push_back({id, Error(Code::NotFound, "no such message")});
      // Already done, perhaps by an earlier call whose reply was lost.
    } else if (to && record->state == *to) {
      changed.done.push_back(id);
    } else if (!possible(change, record->state)) {
      changed.failed.push_back({id, Error(Code::Conflict, "it is " + std::string(name(record->state)))});
    } else {
      groups[record->state].push_back(id);
    }
  }
  const std::size_t most = store.limits().batch;
  for (const auto& [from, members] : groups) {
    for (std::size_t at = 0; at < members.size(); at += most) {
      const auto batch = std::span(members).subspan(at, std::min(most, members.size() - at));
      store::Transition transition;
      transition.mailbox = mailbox;
      transition.messages.assign(batch.begin(), batch.end());
      transition.from = from;
      transition.to = to;
      transition.actor = std::string(actor);
      if (!dry_run) {
        // The store checks the states again. A message that moved since find() makes this batch
        // fail, and the caller may repeat the call.
        if (const auto moved = store.transition(transition); !moved) return moved.error();
      }
      changed.done.insert(changed.done.end(), batch.begin(), batch.end());
    }
  }
  return changed;
}

}  // namespace gw::vault

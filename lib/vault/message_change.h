// What an administrator can do to messages: quarantine, restore, remove for good. Each change is
// recorded in the mailbox's history.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/store.h"

namespace gw::vault {

enum class MessageChange : unsigned char {
  // From live or unconfirmed. POP3 and export skip the message from then on.
  Quarantine,
  // From drained or quarantined. The message is live again, with the same id and sequence number.
  Restore,
  // From any state but pending. The message is gone for good, without grace period.
  Remove,
};

// Checks whether the change is allowed for a message in the state `from`.
bool possible(MessageChange change, store::State from);

// A message that could not be changed.
struct MessageFailure {
  MessageId id;
  Error error;  // NotFound, or Conflict with its state as the text
};
struct ChangedMessages {
  std::vector<MessageId> done;  // includes messages that already were in the wanted state
  std::vector<MessageFailure> failed;
};

// Changes each of these messages if possible and reports the others in `failed`. Messages in the
// same state change in one transition of at most limits().batch messages. With `dry_run` nothing is
// changed, and `done` are the messages that would be. Fails if the store does; transitions made
// before that stay.
Result<ChangedMessages> change_messages(store::Store& store, const MailboxId& mailbox, MessageChange change,
                                        std::span<const MessageId> ids, std::string_view actor,
                                        bool dry_run = false);

}  // namespace gw::vault

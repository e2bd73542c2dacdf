// What an administrator does to messages: set aside, bring back, remove for good. Each is in the history.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/store.h"

namespace gw::vault {

enum class MessageChange : unsigned char {
  Quarantine,  // live, unconfirmed: POP3 and export pass it over from now on
  Restore,     // drained, quarantined: live again, with the same id and place
  Remove,      // anything but pending: gone for good
};

bool possible(MessageChange change, store::State from);

struct MessageFailure {
  MessageId id;
  Error error;  // NotFound, or Conflict that names its state
};
struct ChangedMessages {
  std::vector<MessageId> done;  // also those that were so already
  std::vector<MessageFailure> failed;
};

// Changes what can be changed, all that are in one state in one transition (of at most limits().batch). With
// `dry_run` nothing is done. Error: the keeper's; what was done until then stays done.
Result<ChangedMessages> change_messages(store::Store& store, const MailboxId& mailbox, MessageChange change,
                                        std::span<const MessageId> ids, std::string_view actor,
                                        bool dry_run = false);

}  // namespace gw::vault

// The rules for messages: which are accepted, which change their state, and what is left of those
// that are removed. The same for every store that keeps its data by keys (store/keys.h); see
// transaction.h for what a rule may do. rules.h has the part of them that needs no database.
//
// The model of the tests (tests/support/memory_store.h) shares rules.h and nothing here: it decides
// from plain maps that an id is used again, which messages a transition changes, where a message is
// found, and which fingerprint was seen. So a fault in these rules shows as a difference between the
// two.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "store/rules.h"
#include "store/transaction.h"

namespace gw::store {

// Returns where a message id leads. Fails with NotFound if it never existed.
Result<MessageLocation> location_of(const Reader& reader, const MailboxId& mailbox, const MessageId& message);
// Returns the message with this seq; nullopt if there is none.
Result<std::optional<MessageRecord>> message_at(const Reader& reader, const MailboxId& mailbox,
                                                std::uint64_t seq);
// Returns the record of a message. Fails with NotFound if it is gone or never existed.
Result<MessageRecord> find_message(const Reader& reader, const MailboxId& mailbox, const MessageId& message);
// Fails with Exists if the id is in the mailbox or ever was.
Result<void> check_unused(const Reader& reader, const MailboxId& mailbox, const MessageId& message);
// Returns true if a message with this fingerprint was committed and not discarded.
Result<bool> was_seen(const Reader& reader, const MailboxId& mailbox, const Digest& fingerprint);

// Returns the state of the mailbox if it accepts this commit. Fails with NotFound, Conflict or
// OverQuota. With several messages in one transaction, each counts for the next.
Result<Entry*> accepting(Transaction& transaction, const MailboxId& mailbox, const Commit& commit);
// Adds a message that its mailbox accepts, with its encoded leaf, and sets seq and `changed` of its
// record. check_unused() must have succeeded, and no other commit of the same id may be under way.
// The caller adds the body.
void add_message(Transaction& transaction, const MailboxId& mailbox, Entry& entry, const Commit& commit,
                 Bytes& leaf, MessageRecord& record);

// Returns the messages that the transition changes, as they are now; those that are already as
// wanted are left out, and an id that is named twice counts once. Fails with Conflict or NotFound as
// Store::transition(), and with Busy if a message changed during the call.
Result<std::vector<MessageRecord>> examine(const Reader& reader, const Transition& transition,
                                           const Step& step);

// What move_message() needs for each message that changes together with others.
struct Moving {
  const Step& step;
  std::string_view actor;
  Micros kept = 0;           // kept time of the change
  std::size_t together = 0;  // number of messages that change at the same time
  // Returns the header and the envelope of a message for its removal record; nullopt if they cannot
  // be read, and then the message leaves none.
  std::function<std::optional<RemovalRecord>(const MessageRecord&)> remains;
};
// Makes the step with one message, with its leaf, counters and removal record. examine() must have
// returned `record` for a Reader that shows what is committed now, and the messages of the mailbox
// must be claimed.
void move_message(Transaction& transaction, const MailboxId& mailbox, MessageRecord record,
                  const Moving& moving);

}  // namespace gw::store

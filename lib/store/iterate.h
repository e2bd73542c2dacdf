// Loops over all messages, removal records or leaves of a mailbox that read one page at a time, so
// that a mailbox of any size needs little memory. The callbacks run between pages without any lock:
// changes made meanwhile may or may not be seen. Each loop stops at the first error of `each` and
// returns it.
#pragma once

#include <functional>
#include <set>
#include <vector>

#include "store/store.h"

namespace gw::store {

// Calls `each` for every message in ascending seq, in every state. A message that settles during
// the loop gets a higher seq and can be visited twice.
Result<void> for_each_message(Store& store, const MailboxId& mailbox,
                              const std::function<Result<void>(const MessageRecord&)>& each);
// Calls `each` for every removal record, in ascending message id.
Result<void> for_each_removal_record(Store& store, const MailboxId& mailbox,
                                     const std::function<Result<void>(const RemovalRecord&)>& each);
// Calls `each` for every encoded leaf of a history, from index `from`. A zero `log` is the vault's
// history.
Result<void> for_each_leaf(Store& store, const MailboxId& log, std::uint64_t from,
                           const std::function<Result<void>(const Bytes&)>& each);

// Returns the ids of all histories: zero for the vault's, then those of mailboxes, removed ones
// included. Two stores of a vault with equal heads of all of them have had the same changes that leave
// a leaf, in the same order, whatever kind of store each of them is. Values without a leaf, such as
// the slots of a password, are not compared. Reads the whole history of the vault.
Result<std::set<MailboxId>> all_histories(Store& store);
// Returns the histories in `logs` that only one of the stores has, or whose heads differ.
Result<std::vector<MailboxId>> differing_heads(Store& one, Store& other, const std::set<MailboxId>& logs);

}  // namespace gw::store

// Going through all messages, receipts or leaves of a mailbox, a page at a time.
#pragma once

#include <functional>

#include "store/store.h"

namespace gw::store {

// Every message in order of seq, in every state. Stops at the first Error of `each`, and gives it.
Result<void> for_each_message(Store& store, const MailboxId& mailbox,
                              const std::function<Result<void>(const MessageRecord&)>& each);
// The same for the receipts of swept messages, in order of their ids.
Result<void> for_each_receipt(Store& store, const MailboxId& mailbox,
                              const std::function<Result<void>(const Swept&)>& each);
// The same for the leaves of a history, as stored, from index `from`.
Result<void> for_each_leaf(Store& store, const MailboxId& log, std::uint64_t from,
                           const std::function<Result<void>(const Bytes&)>& each);

}  // namespace gw::store

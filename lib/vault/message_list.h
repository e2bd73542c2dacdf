// Lists the messages of a mailbox from the newest to the oldest. A store lists them in the other
// direction only, so the list is read in windows from its end backwards.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/result.h"
#include "store/store.h"

namespace gw::vault {

// One page of the list.
struct MessagePage {
  // The newest first.
  std::vector<store::MessageRecord> records;
  // Where the next page begins; 0 if there are no further messages.
  std::uint64_t before = 0;
};

// Returns at most `count` messages for which `wanted` returns true, with a seq below `before`, or
// from the newest if `before` is 0. It stops after about `most_looked_at` messages; the page is
// then shorter, and `MessagePage::before` continues the search. If `enough` is set, it is called before
// each message, and the search stops likewise when it returns true. Fails with the error of the store.
Result<MessagePage> messages_before(store::Store& store, const MailboxId& mailbox, std::uint64_t before,
                                    std::size_t count, std::size_t most_looked_at,
                                    const std::function<bool(const store::MessageRecord&)>& wanted,
                                    const std::function<bool()>& enough = {});

}  // namespace gw::vault

// The newest messages of a mailbox first, though a store lists them from the oldest on: it is read backwards
// in windows of its order.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/result.h"
#include "store/store.h"

namespace gw::web {

struct MessagePage {
  std::vector<store::MessageRecord> records;  // descending
  std::uint64_t before = 0;                   // where the next page goes on; 0: there is none
};

// At most `count` messages that are `wanted`, of seq below `before` (0: all). Looks at no more than
// `most_looked_at` messages; where these are not enough the page is shorter, and goes on.
Result<MessagePage> messages_before(store::Store& store, const MailboxId& mailbox, std::uint64_t before,
                                    std::size_t count, std::size_t most_looked_at,
                                    const std::function<bool(const store::MessageRecord&)>& wanted);

}  // namespace gw::web

// A history from its end backwards, a page at a time, with a filter: for the pages on events and the API.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/store.h"

namespace gw::web {

struct EventFilter {
  MailboxId log;  // zero: the vault's own
  std::optional<store::LeafType> type;
  std::optional<Micros> from, to;  // `to` itself is not in it
  std::optional<MessageId> message;
  std::string actor;  // is in the actor's text; ASCII case is ignored
};

struct EventPage {
  std::vector<store::Leaf> leaves;  // descending
  std::uint64_t before = 0;         // where the next page goes on; 0: there is none
};

// The type of this name, `accepted`.
std::optional<store::LeafType> parse_leaf_type(std::string_view name);
const std::vector<store::LeafType>& leaf_types();

// At most `count` leaves that fit, of index below `before` (0: all). Looks at a bounded number of them; where
// that is not enough the page is shorter, and goes on. A leaf that this version does not know is passed over.
Result<EventPage> events_before(store::Store& store, const EventFilter& filter, std::uint64_t before,
                                std::size_t count);

}  // namespace gw::web

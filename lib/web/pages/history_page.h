// Reads a history from its end backwards, one page at a time, with a filter: for the page on events
// and the API.
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

// Which history to read and which entries to return. Members that are not set match everything.
struct EventFilter {
  // The mailbox whose history is read; zero for the vault's own history.
  MailboxId log;
  std::optional<store::LeafType> type;
  // Entries from `from` on and before `to`, in microseconds since the epoch.
  std::optional<Micros> from, to;
  std::optional<MessageId> message;
  // A part of the actor's text; the case of ASCII letters is ignored.
  std::string actor;
};

struct EventPage {
  // The newest first.
  std::vector<store::Leaf> leaves;
  // Where the next page begins; 0 if the history has no further entries.
  std::uint64_t before = 0;
};

// Returns the type of an entry by its name, for example `accepted`; nullopt if there is none.
std::optional<store::LeafType> parse_leaf_type(std::string_view name);
// Returns all types that this version knows, for a list of choices.
const std::vector<store::LeafType>& leaf_types();

// Returns at most `count` (at least 1) matching entries with an index below `before`, or from the
// end of the history if `before` is 0. It looks at no more than 20,000 entries per call; if that
// does not fill the page, the page is shorter and `EventPage::before` continues the search. Entries
// of a type that this version does not know are skipped. Fails with the error of the store, or with
// Corrupt.
Result<EventPage> events_before(store::Store& store, const EventFilter& filter, std::uint64_t before,
                                std::size_t count);

}  // namespace gw::web

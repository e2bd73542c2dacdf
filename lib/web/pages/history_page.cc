#include "web/pages/history_page.h"

#include <algorithm>

#include "base/text.h"

namespace gw::web {
namespace {

// Entries that are read at a time, and the most that one call examines: a filter that matches
// nothing must not read a history of millions of entries while a user waits.
constexpr std::uint64_t kWindow = 500;
constexpr std::uint64_t kMaxHistoryLookedAt = 20'000;

bool contains(std::string_view text, std::string_view part) {
  return lower(text).find(lower(part)) != std::string::npos;
}

bool fits(const EventFilter& filter, const store::Leaf& leaf) {
  return (!filter.type || leaf.type == *filter.type) && (!filter.from || leaf.time >= *filter.from) &&
         (!filter.to || leaf.time < *filter.to) && (!filter.message || leaf.message == *filter.message) &&
         (filter.actor.empty() || contains(leaf.actor, filter.actor));
}

}  // namespace

const std::vector<store::LeafType>& leaf_types() {
  using store::LeafType;
  static const std::vector<LeafType> all = [] {
    std::vector<LeafType> types;
    // The types have gaps in their numbers (store/leaf.h): those of messages, of a mailbox and of
    // the vault.
    const std::pair<LeafType, LeafType> ranges[] = {{LeafType::Accepted, LeafType::Interrupted},
                                                    {LeafType::MailboxMade, LeafType::Opened},
                                                    {LeafType::VaultMade, LeafType::Verified}};
    for (const auto& [first, last] : ranges)
      for (unsigned each = static_cast<unsigned>(first); each <= static_cast<unsigned>(last); ++each)
        types.push_back(static_cast<LeafType>(each));
    return types;
  }();
  return all;
}

std::optional<store::LeafType> parse_leaf_type(std::string_view name) {
  const auto& all = leaf_types();
  const auto found =
      std::ranges::find_if(all, [&](store::LeafType each) { return store::name(each) == name; });
  return found == all.end() ? std::nullopt : std::optional(*found);
}

Result<EventPage> events_before(store::Store& store, const EventFilter& filter, std::uint64_t before,
                                std::size_t count) {
  const Result<store::LogHead> head = store.history_head(filter.log);
  if (!head) return head.error();
  EventPage page;
  std::uint64_t end = before == 0 ? head->size : std::min(before, head->size);
  const std::uint64_t stop = end > kMaxHistoryLookedAt ? end - kMaxHistoryLookedAt : 0;
  while (end > stop) {
    const std::uint64_t begin = std::max(stop, end > kWindow ? end - kWindow : 0);
    // The store may return fewer entries than asked for, so a window takes several calls.
    std::vector<Bytes> window;
    while (begin + window.size() < end) {
      Result<std::vector<Bytes>> got = store.history_read(
          filter.log, begin + window.size(), static_cast<std::size_t>(end - begin) - window.size());
      if (!got) return got.error();
      if (got->empty()) break;
      std::ranges::move(*got, std::back_inserter(window));
    }
    for (std::size_t at = window.size(); at-- > 0;) {
      const Result<store::Leaf> leaf = store::decode_leaf(window[at]);
      // An entry of a newer version is skipped; a damaged one is an error.
      if (!leaf && leaf.error().code() != Code::Version) return leaf.error();
      if (!leaf || !fits(filter, *leaf)) continue;
      page.leaves.push_back(*leaf);
      if (page.leaves.size() < count) continue;
      // The search continues before this entry, since indices below it have not been examined.
      page.before = begin + at;
      return page;
    }
    // Times never decrease within a history, so no earlier entry can match.
    if (filter.from && !window.empty()) {
      const Result<store::Leaf> first = store::decode_leaf(window.front());
      if (first && first->time < *filter.from) return page;
    }
    end = begin;
  }
  page.before = end;
  return page;
}

}  // namespace gw::web

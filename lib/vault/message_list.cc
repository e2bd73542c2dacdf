#include "vault/message_list.h"

#include <algorithm>

namespace gw::vault {
namespace {

// The window doubles at each step: in a mailbox that is drained regularly, most numbers of its
// history belong to no message any more.
constexpr std::uint64_t kFirstWindow = 256;
constexpr std::uint64_t kMaxWindow = 8192;
constexpr std::size_t kListed = 1000;

// Returns all messages with a seq in [from, to), ascending.
Result<std::vector<store::MessageRecord>> window(store::Store& store, const MailboxId& mailbox,
                                                 std::uint64_t from, std::uint64_t to) {
  std::vector<store::MessageRecord> all;
  for (std::uint64_t after = from - 1;;) {  // no message has seq 0: a history begins with its mailbox
    const auto page = store.list(mailbox, after, kListed);
    if (!page) return page.error();
    for (const store::MessageRecord& record : *page) {
      if (record.seq >= to) return all;
      all.push_back(record);
      after = record.seq;
    }
    if (page->empty() || after + 1 >= to) return all;
  }
}

}  // namespace

Result<MessagePage> messages_before(store::Store& store, const MailboxId& mailbox, std::uint64_t before,
                                    std::size_t count, std::size_t most_looked_at,
                                    const std::function<bool(const store::MessageRecord&)>& wanted,
                                    const std::function<bool()>& enough) {
  // The seq of a message is the index of its history entry, so the size of the history is above
  // every seq.
  const auto head = store.history_head(mailbox);
  if (!head) return head.error();
  std::uint64_t end = before == 0 ? head->size : std::min(before, head->size);
  std::uint64_t width = kFirstWindow;
  std::size_t looked_at = 0;
  MessagePage page;
  while (end > 1 && looked_at < most_looked_at) {
    const std::uint64_t from = end > width ? end - width : 1;
    const auto found = window(store, mailbox, from, end);
    if (!found) return found.error();
    looked_at += found->size();
    for (auto each = found->rbegin(); each != found->rend(); ++each) {
      if (enough && enough()) {
        page.before = each->seq + 1;
        return page;
      }
      if (!wanted(*each)) continue;
      // One more message matches, so there is a next page.
      if (page.records.size() == count) {
        page.before = page.records.back().seq;
        return page;
      }
      page.records.push_back(*each);
    }
    end = from;
    width = std::min(width * 2, kMaxWindow);
  }
  page.before = end > 1 ? end : 0;
  return page;
}

}  // namespace gw::vault

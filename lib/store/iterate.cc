#include "store/iterate.h"

namespace gw::store {
namespace {

constexpr std::size_t kPage = 1000;  // small enough for one frame of the keeper's protocol

}  // namespace

Result<void> for_each_message(Store& store, const MailboxId& mailbox,
                              const std::function<Result<void>(const MessageRecord&)>& each) {
  std::uint64_t after = 0;
  for (;;) {
    const auto page = store.list(mailbox, after, kPage);
    if (!page) return page.error();
    if (page->empty()) return {};
    for (const MessageRecord& record : *page) {
      if (auto done = each(record); !done) return done;
      after = record.seq;
    }
  }
}

Result<void> for_each_receipt(Store& store, const MailboxId& mailbox,
                              const std::function<Result<void>(const RemovalRecord&)>& each) {
  for (std::optional<MessageId> from = MessageId{}; from;) {
    const auto page = store.swept(mailbox, *from, kPage);
    if (!page) return page.error();
    if (page->empty()) return {};
    for (const RemovalRecord& swept : *page) {
      if (auto done = each(swept); !done) return done;
    }
    // A store that returned ids out of order would make this loop endless.
    if (page->back().record.id < *from) return Error(Code::Corrupt, "the removal records are out of order");
    from = page->back().record.id.next();
  }
  return {};
}

Result<void> for_each_leaf(Store& store, const MailboxId& log, std::uint64_t from,
                           const std::function<Result<void>(const Bytes&)>& each) {
  for (;;) {
    const auto page = store.history_read(log, from, kPage);
    if (!page) return page.error();
    if (page->empty()) return {};
    for (const Bytes& leaf : *page) {
      if (auto done = each(leaf); !done) return done;
    }
    from += page->size();
  }
}

}  // namespace gw::store

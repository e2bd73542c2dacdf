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

Result<void> for_each_removal_record(Store& store, const MailboxId& mailbox,
                                     const std::function<Result<void>(const RemovalRecord&)>& each) {
  for (std::optional<MessageId> from = MessageId{}; from;) {
    const auto page = store.removal_records(mailbox, *from, kPage);
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

Result<std::set<MailboxId>> all_histories(Store& store) {
  std::set<MailboxId> logs{MailboxId{}};
  const auto made = for_each_leaf(store, {}, 0, [&](const Bytes& stored) -> Result<void> {
    const auto leaf = decode_leaf(stored);
    // A leaf of a newer version has a type that this one does not know, and makes no mailbox.
    if (!leaf && leaf.error().code() == Code::Version) return {};
    if (!leaf) return leaf.error();
    if (leaf->type == LeafType::MailboxMade) logs.insert(leaf->mailbox);
    return {};
  });
  if (!made) return made.error();
  // After a salvage the vault's history may lack the beginning of a mailbox.
  const auto mailboxes = store.mailboxes();
  if (!mailboxes) return mailboxes.error();
  for (const MailboxRecord& mailbox : *mailboxes) logs.insert(mailbox.id);
  return logs;
}

Result<std::vector<MailboxId>> differing_heads(Store& one, Store& other, const std::set<MailboxId>& logs) {
  std::vector<MailboxId> all;
  // A history that a salvage could not bring back is known from the vault's history, and has no head.
  const auto head = [](Store& store, const MailboxId& log) -> Result<std::optional<LogHead>> {
    const auto found = store.history_head(log);
    if (!found && found.error().code() != Code::NotFound) return found.error();
    return found ? std::optional(*found) : std::nullopt;
  };
  for (const MailboxId& log : logs) {
    const auto here = head(one, log);
    if (!here) return here.error();
    const auto there = head(other, log);
    if (!there) return there.error();
    if (*here != *there) all.push_back(log);
  }
  return all;
}

}  // namespace gw::store

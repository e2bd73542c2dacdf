// RemoteStore: histories, checkpoints, sweeps, purges and removal records.
#include "keeper/remote_private.h"

namespace gw::keeper {

Result<store::LogHead> RemoteStore::history_head(const MailboxId& log) {
  Request request;
  put_mailbox_id(log, *request.mutable_history_head());
  auto reply = ask(Effect::Reads, request);
  if (!reply) return reply.error();
  const proto::HistoryHeadReply& head = (*reply)->reply().history_head();
  const auto root = understood(bytes_of<32>(head.root(), "root"));
  if (!root) return root.error();
  return store::LogHead{head.size(), *root, head.time()};
}

Result<std::vector<Bytes>> RemoteStore::history_read(const MailboxId& log, std::uint64_t from,
                                                     std::size_t limit) {
  Request request;
  put_mailbox_id(log, *request.mutable_history_read());
  request.mutable_history_read()->set_from(from);
  request.mutable_history_read()->set_limit(limit);
  std::vector<Bytes> leaves;
  return pages(request, leaves, [&](const Reply& reply) -> Result<void> {
    for (const std::string& leaf : reply.history_read().leaves()) leaves.push_back(to_bytes(leaf));
    return {};
  });
}

// The actor travels in its own field too: the keeper puts user and socket before it and ignores the
// one in the leaf.
Result<std::uint64_t> RemoteStore::note(const MailboxId& log, const store::Leaf& leaf) {
  Request request = request_of(leaf.actor);
  put_mailbox_id(log, *request.mutable_note());
  put_bytes(store::encode(leaf), *request.mutable_note()->mutable_leaf());
  auto reply = ask(Effect::Changes, request);
  if (!reply) return reply.error();
  return (*reply)->reply().note().index();
}

Result<std::size_t> RemoteStore::note_messages(const MailboxId& mailbox, const store::Leaf& like,
                                               std::span<const MessageId> messages) {
  if (messages.empty()) return 0;
  // The keeper sets the message of each leaf itself. This one only makes the template a complete
  // leaf.
  store::Leaf leaf = like;
  leaf.message = messages.front();
  Request request = request_of(like.actor);
  proto::NoteMessagesRequest& note = *request.mutable_note_messages();
  put_mailbox_id(mailbox, note);
  put_bytes(store::encode(leaf), *note.mutable_leaf());
  for (const MessageId& message : messages) put_bytes(message.view(), *note.add_messages());
  auto reply = ask(Effect::Changes, request);
  if (!reply) return reply.error();
  return (*reply)->reply().note_messages().noted();
}

// A checkpoint appends head leaves to the history, so it must not be repeated after a lost
// connection.
Result<std::string> RemoteStore::checkpoint(std::string_view actor) {
  Request request = request_of(actor);
  request.mutable_checkpoint();
  auto reply = ask(Effect::Changes, request);
  if (!reply) return reply.error();
  return (*reply)->reply().checkpoint().note();
}

Result<store::SweepReport> RemoteStore::sweep(std::size_t budget, bool now, const MailboxId& only) {
  Request request;
  request.mutable_sweep()->set_budget(budget);
  request.mutable_sweep()->set_now(now);
  if (!only.zero()) put_mailbox_id(only, *request.mutable_sweep());
  // Repeating a sweep would do no harm, but its report would lack what the first attempt removed.
  auto reply = ask(Effect::Changes, request);
  if (!reply) return reply.error();
  const proto::SweepReply& swept = (*reply)->reply().sweep();
  return store::SweepReport{swept.expired(), swept.size(), swept.records(), swept.more()};
}

Result<std::vector<store::RemovalRecord>> RemoteStore::removal_records(const MailboxId& mailbox,
                                                                       const MessageId& from,
                                                                       std::size_t limit) {
  Request request;
  put_mailbox_id(mailbox, *request.mutable_removal_records());
  put_bytes(from.view(), *request.mutable_removal_records()->mutable_from());
  request.mutable_removal_records()->set_limit(limit);
  std::vector<store::RemovalRecord> records;
  return pages(request, records, [&](const Reply& reply) -> Result<void> {
    for (const std::string& item : reply.removal_records().records()) {
      auto record = understood(store::decode_removal_record(as_bytes(item)));
      if (!record) return record.error();
      records.push_back(std::move(*record));
    }
    return {};
  });
}

Result<store::Purge> RemoteStore::purge(std::uint64_t number) {
  Request request;
  request.mutable_purge()->set_number(number);
  // Reads: a repeated purge only rewrites files a second time.
  auto reply = ask(Effect::Reads, request);
  if (!reply) return reply.error();
  return store::Purge{(*reply)->reply().purge().number(), (*reply)->reply().purge().done()};
}

}  // namespace gw::keeper

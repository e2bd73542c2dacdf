// RemoteStore: histories, checkpoints, sweeps and removal records.
#include "keeper/remote_private.h"

namespace gw::keeper {

Result<store::LogHead> RemoteStore::history_head(const MailboxId& log) {
  auto reply = ask(Effect::Reads, proto::OP_HISTORY_HEAD,
                   [&](Request& request) { put_bytes(log.view(), *request.mutable_mailbox()); });
  if (!reply) return reply.error();
  const Reply& found = (*reply)->reply();
  const auto root = understood(bytes_of<32>(found.value(), "root"));
  if (!root) return root.error();
  return store::LogHead{found.number(), *root, found.time()};
}

Result<std::vector<Bytes>> RemoteStore::history_read(const MailboxId& log, std::uint64_t from,
                                                     std::size_t limit) {
  std::vector<Bytes> leaves;
  return pages(
      proto::OP_HISTORY_READ, leaves,
      [&](Request& request) {
        put_bytes(log.view(), *request.mutable_mailbox());
        request.set_from(from);
        request.set_limit(limit);
      },
      [&](const Reply& reply) -> Result<void> {
        for (const std::string& item : reply.items()) leaves.push_back(to_bytes(item));
        return {};
      });
}

// The actor travels in its own field too: the keeper puts user and socket before it and ignores the
// one in the leaf.
Result<std::uint64_t> RemoteStore::note(const MailboxId& log, const store::Leaf& leaf) {
  return number_of(ask(Effect::Changes, proto::OP_NOTE, [&](Request& request) {
    put_bytes(log.view(), *request.mutable_mailbox());
    put_bytes(store::encode(leaf), *request.mutable_value());
    put_bytes(as_bytes(leaf.actor), *request.mutable_actor());
  }));
}

Result<std::size_t> RemoteStore::note_messages(const MailboxId& mailbox, const store::Leaf& like,
                                               std::span<const MessageId> messages) {
  // A request without messages would mean a single leaf, see OP_NOTE in operations.cc.
  if (messages.empty()) return 0;
  return number_of(ask(Effect::Changes, proto::OP_NOTE, [&](Request& request) {
    put_bytes(mailbox.view(), *request.mutable_mailbox());
    store::Leaf leaf = like;
    // The keeper sets the message of each leaf itself. This one only makes the template a complete
    // leaf.
    leaf.message = messages.front();
    put_bytes(store::encode(leaf), *request.mutable_value());
    put_bytes(as_bytes(leaf.actor), *request.mutable_actor());
    for (const MessageId& message : messages) put_bytes(message.view(), *request.add_messages());
  }));
}

// A checkpoint appends head leaves to the history, so it must not be repeated after a lost
// connection.
Result<std::string> RemoteStore::checkpoint(std::string_view actor) {
  auto reply = ask(Effect::Changes, proto::OP_CHECKPOINT,
                   [&](Request& request) { put_bytes(as_bytes(actor), *request.mutable_actor()); });
  if (!reply) return reply.error();
  return (*reply)->reply().value();
}

Result<store::SweepReport> RemoteStore::sweep(std::size_t budget, bool now, const MailboxId& only) {
  // Repeating a sweep would do no harm, but its report would lack what the first attempt removed.
  auto reply = ask(Effect::Changes, proto::OP_SWEEP, [&](Request& request) {
    request.set_limit(budget);
    request.set_now(now);
    if (!only.zero()) put_bytes(only.view(), *request.mutable_mailbox());
  });
  if (!reply) return reply.error();
  const Reply& swept = (*reply)->reply();
  return store::SweepReport{swept.number(), swept.size(), swept.receipts(), swept.flag()};
}

Result<std::vector<store::RemovalRecord>> RemoteStore::swept(const MailboxId& mailbox, const MessageId& from,
                                                             std::size_t limit) {
  std::vector<store::RemovalRecord> receipts;
  return pages(
      proto::OP_SWEPT, receipts,
      [&](Request& request) {
        name(mailbox, from, request);
        request.set_limit(limit);
      },
      [&](const Reply& reply) -> Result<void> {
        for (const std::string& item : reply.items()) {
          auto receipt = understood(store::decode_swept(as_bytes(item)));
          if (!receipt) return receipt.error();
          receipts.push_back(std::move(*receipt));
        }
        return {};
      });
}

}  // namespace gw::keeper

// Session: histories, checkpoints, sweeps and removal records.
#include <algorithm>

#include "keeper/convert.h"
#include "keeper/server/session.h"

namespace gw::keeper {
namespace {

// The number of leaves that one call of the store may return. It is small, so that little memory
// waits to be sent.
constexpr std::size_t kLeavesAtOnce = 512;

}  // namespace

Result<void> Session::history_head(const proto::MailboxRequest& request, proto::HistoryHeadReply& reply) {
  const auto log = mailbox_id(request);
  if (!log) return log.error();
  const auto head = store_.history_head(*log);
  if (!head) return head.error();
  reply.set_size(head->size);
  put_bytes(head->root, *reply.mutable_root());
  reply.set_time(head->time);
  return {};
}

Result<void> Session::history_read(const proto::HistoryReadRequest& request, proto::HistoryReadReply& reply) {
  const auto log = mailbox_id(request);
  if (!log) return log.error();
  std::uint64_t from = request.from();
  for (std::uint64_t left = request.limit(); left > 0;) {
    const std::size_t wanted = std::min<std::uint64_t>(left, kLeavesAtOnce);
    const auto leaves = store_.history_read(*log, from, wanted);
    if (!leaves) return leaves.error();
    for (const Bytes& leaf : *leaves) {
      if (auto added = add(*reply.mutable_leaves(), leaf); !added) return added;
    }
    // Fewer than asked for: that was the end.
    if (leaves->size() < wanted) break;
    left -= leaves->size();
    from += leaves->size();
  }
  return {};
}

Result<void> Session::note(const proto::NoteRequest& request, proto::NoteReply& reply) {
  const auto log = mailbox_id(request);
  if (!log) return log.error();
  auto leaf = store::decode_leaf(as_bytes(request.leaf()));
  if (!leaf) return leaf.error();
  const bool refusal = leaf->type == store::LeafType::Refused;
  // The client gets the reply of a note that was written.
  if (refusal && shared_.refusals.repeats(store_, *log, leaf->value)) return {};
  // The client's own claim is replaced by one that begins with its user and socket.
  leaf->actor = actor();
  const auto index = store_.note(*log, *leaf);
  if (!index) {
    if (refusal) shared_.refusals.forget(*log, leaf->value);
    return index.error();
  }
  reply.set_index(*index);
  return {};
}

Result<void> Session::note_messages(const proto::NoteMessagesRequest& request,
                                    proto::NoteMessagesReply& reply) {
  const auto mailbox = mailbox_id(request);
  if (!mailbox) return mailbox.error();
  auto leaf = store::decode_leaf(as_bytes(request.leaf()));
  if (!leaf) return leaf.error();
  leaf->actor = actor();
  std::vector<MessageId> messages;
  for (const std::string& each : request.messages()) {
    const auto message = id_of<MessageId>(each, "message id");
    if (!message) return message.error();
    messages.push_back(*message);
  }
  const auto noted = store_.note_messages(*mailbox, *leaf, messages);
  if (!noted) return noted.error();
  reply.set_noted(*noted);
  return {};
}

Result<void> Session::checkpoint(const proto::Empty& /*request*/, proto::CheckpointReply& reply) {
  auto note = store_.checkpoint(actor());
  if (!note) return note.error();
  reply.set_note(std::move(*note));
  return {};
}

Result<void> Session::sweep(const proto::SweepRequest& request, proto::SweepReply& reply) {
  MailboxId only;
  if (!request.mailbox().empty()) {
    const auto named = mailbox_id(request);
    if (!named) return named.error();
    only = *named;
  }
  const auto swept = store_.sweep(request.budget(), request.now(), only);
  if (!swept) return swept.error();
  reply.set_expired(swept->expired);
  reply.set_size(swept->size);
  reply.set_records(swept->receipts);
  reply.set_more(swept->more);
  return {};
}

Result<void> Session::removal_records(const proto::RemovalRecordsRequest& request,
                                      proto::RemovalRecordsReply& reply) {
  const auto mailbox = mailbox_id(request);
  if (!mailbox) return mailbox.error();
  const auto from = id_of<MessageId>(request.from(), "message id");
  if (!from) return from.error();
  const auto records = store_.removal_records(*mailbox, *from, request.limit());
  if (!records) return records.error();
  for (const store::RemovalRecord& record : *records) {
    if (auto added = add(*reply.mutable_records(), store::encode(record)); !added) return added;
  }
  return {};
}

Result<void> Session::purge(const proto::PurgeRequest& request, proto::PurgeReply& reply) {
  const auto purge = store_.purge(request.number());
  if (!purge) return purge.error();
  reply.set_number(purge->number);
  reply.set_done(purge->done);
  return {};
}

}  // namespace gw::keeper

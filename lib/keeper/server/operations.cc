#include "keeper/server/operations.h"

#include <algorithm>

#include "keeper/convert.h"
#include "keeper/protocol.h"

namespace gw::keeper {
namespace {

using Page = std::function<bool()>;

// The number of items that one call of the store may return. It is small, so that little memory
// waits to be sent.
constexpr std::size_t kMessagesAtOnce = 1024;
constexpr std::size_t kLeavesAtOnce = 512;
constexpr std::size_t kRecordsAtOnce = 16;
constexpr int kStatsPerReply = 100;  // of about 500 bytes each

store::Note note_of(const proto::Request& request, const std::string& actor) {
  return {static_cast<store::LeafType>(request.note().type()), actor, request.note().value()};
}

Result<void> put_mailbox(store::Store& store, const proto::Request& request, const std::string& actor) {
  auto record = store::decode_mailbox(as_bytes(request.value()));
  if (!record) return record.error();
  // The version is not part of the encoded record.
  record->version = request.version();
  std::vector<store::Slot> slots;
  for (const proto::Slot& slot : request.slots()) slots.push_back({slot.name(), to_bytes(slot.value())});
  return store.put_mailbox(*record, slots, note_of(request, actor));
}

// The version of each mailbox is at the same index as the mailbox itself.
Result<void> mailboxes(store::Store& store, proto::Reply& reply, const Page& page) {
  auto records = store.mailboxes();
  if (!records) return records.error();
  std::size_t size = 0;
  for (const store::MailboxRecord& record : *records) {
    std::string& item = *reply.add_items();
    put_bytes(store::encode(record), item);
    reply.add_versions(record.version);
    size += item.size();
    if (size < kPage) continue;
    if (!page()) return {};
    size = 0;
  }
  return {};
}

Result<void> list(store::Store& store, const proto::Request& request, const MailboxId& mailbox,
                  proto::Reply& reply, const Page& page) {
  std::uint64_t after = request.from();
  for (std::uint64_t left = request.limit(); left > 0;) {
    const std::size_t wanted = std::min<std::uint64_t>(left, kMessagesAtOnce);
    auto records = store.list(mailbox, after, wanted);
    if (!records) return records.error();
    for (const store::MessageRecord& record : *records) put_bytes(store::encode(record), *reply.add_items());
    // Fewer than asked for: that was the end. No empty page is needed to say so, because the final
    // reply has `more` unset.
    if (records->size() < wanted) break;
    left -= records->size();
    after = records->back().seq;
    // The last page is not sent here: it is the reply itself. If the client has gone there is
    // nothing to report to.
    if (left > 0 && !page()) return {};
  }
  return {};
}

Result<void> history(store::Store& store, const proto::Request& request, const MailboxId& log,
                     proto::Reply& reply, const Page& page) {
  std::uint64_t from = request.from();
  for (std::uint64_t left = request.limit(); left > 0;) {
    const std::size_t wanted = std::min<std::uint64_t>(left, kLeavesAtOnce);
    auto leaves = store.history_read(log, from, wanted);
    if (!leaves) return leaves.error();
    for (const Bytes& leaf : *leaves) put_bytes(leaf, *reply.add_items());
    if (leaves->size() < wanted) break;
    left -= leaves->size();
    from += leaves->size();
    if (left > 0 && !page()) return {};
  }
  return {};
}

Result<void> scan(store::Store& store, const proto::Request& request, const store::RecordKey& after,
                  proto::Reply& reply, const Page& page) {
  std::string name = after.name;
  std::size_t size = 0;
  for (std::uint64_t left = request.limit(); left > 0;) {
    const std::size_t wanted = std::min<std::uint64_t>(left, kRecordsAtOnce);
    auto records = store.scan(after.kind, after.mailbox, name, wanted);
    if (!records) return records.error();
    for (const store::Record& record : *records) {
      // A single record may have 1 MiB, more than kPage. So send what is there before adding it, to
      // stay below kMaxControl.
      if (size > 0 && size + record.value.size() > kPage) {
        if (!page()) return {};
        size = 0;
      }
      put(record, *reply.add_records());
      // 64 for the mailbox id, the version and the tags of protobuf.
      size += record.value.size() + record.key.name.size() + 64;
    }
    if (records->size() < wanted) break;
    left -= records->size();
    name = records->back().key.name;
  }
  return {};
}

Result<void> swept(store::Store& store, const proto::Request& request, const MailboxId& mailbox,
                   proto::Reply& reply, const Page& page) {
  const auto from = id_of<MessageId>(request.message(), "message id");
  if (!from) return from.error();
  const auto receipts = store.swept(mailbox, *from, request.limit());
  if (!receipts) return receipts.error();
  std::size_t size = 0;
  for (const store::RemovalRecord& receipt : *receipts) {
    const Bytes item = store::encode(receipt);
    if (size > 0 && size + item.size() > kPage) {
      if (!page()) return {};
      size = 0;
    }
    put_bytes(item, *reply.add_items());
    size += item.size();
  }
  return {};
}

Result<void> server_stats(store::Store& store, proto::Reply& reply, const Page& page) {
  const auto all = store.server_stats();
  if (!all) return all.error();
  for (const store::ServerStats& stats : *all) {
    if (reply.server_stats_size() == kStatsPerReply && !page()) return {};
    put(stats, *reply.add_server_stats());
  }
  return {};
}

void put_mailbox(store::MailboxRecord record, bool public_only, proto::Reply& reply) {
  // A description may say who owns the mailbox; the servers do not need it.
  if (public_only) record.description.clear();
  put_bytes(store::encode(record), *reply.mutable_value());
  reply.add_versions(record.version);
}

Result<void> on_record(store::Store& store, const proto::Request& request, const std::string& actor,
                       proto::Reply& reply, const Page& page) {
  const auto key = record_key_of(request);
  if (!key) return key.error();
  switch (request.op()) {
    case proto::OP_GET: {
      auto record = store.get(*key);
      if (!record) return record.error();
      put_bytes(record->value, *reply.mutable_value());
      reply.add_versions(record->version);
      return {};
    }
    case proto::OP_PUT_IF: {
      auto version =
          store.put_if(*key, request.version(), as_bytes(request.value()), note_of(request, actor));
      if (!version) return version.error();
      reply.set_number(*version);
      return {};
    }
    case proto::OP_ERASE_IF:
      return store.erase_if(*key, request.version(), note_of(request, actor));
    default:
      return scan(store, request, *key, reply, page);
  }
}

Result<void> on_log(store::Store& store, const proto::Request& request, const std::string& actor,
                    const MailboxId& log, proto::Reply& reply, const Page& page) {
  switch (request.op()) {
    case proto::OP_HISTORY_HEAD: {
      auto head = store.history_head(log);
      if (!head) return head.error();
      reply.set_number(head->size);
      put_bytes(head->root, *reply.mutable_value());
      reply.set_time(head->time);
      return {};
    }
    case proto::OP_NOTE: {
      auto leaf = store::decode_leaf(as_bytes(request.value()));
      if (!leaf) return leaf.error();
      // The client's own claim is replaced by one that begins with its user and socket.
      leaf->actor = actor;
      if (request.messages_size() > 0) {
        std::vector<MessageId> messages;
        for (const std::string& each : request.messages()) {
          const auto message = id_of<MessageId>(each, "message id");
          if (!message) return message.error();
          messages.push_back(*message);
        }
        auto noted = store.note_messages(log, *leaf, messages);
        if (!noted) return noted.error();
        reply.set_number(*noted);
        return {};
      }
      auto index = store.note(log, *leaf);
      if (!index) return index.error();
      reply.set_number(*index);
      return {};
    }
    default:
      return history(store, request, log, reply, page);
  }
}

Result<void> on_message(store::Store& store, const proto::Request& request, const MailboxId& mailbox,
                        proto::Reply& reply) {
  const auto message = id_of<MessageId>(request.message(), "message id");
  if (!message) return message.error();
  if (request.op() == proto::OP_FIND) {
    auto record = store.find(mailbox, *message);
    if (!record) return record.error();
    put_bytes(store::encode(*record), *reply.mutable_value());
    return {};
  }
  auto envelope = store.envelope(mailbox, *message);
  if (!envelope) return envelope.error();
  put_bytes(*envelope, *reply.mutable_value());
  return {};
}

}  // namespace

Result<void> operate(store::Store& store, const proto::Request& request, const std::string& actor,
                     bool public_only, proto::Reply& reply, const Page& page) {
  switch (request.op()) {
    case proto::OP_HEALTH: {
      auto health = store.health();
      if (!health) return health.error();
      put(*health, *reply.mutable_health());
      return {};
    }
    case proto::OP_PUT_MAILBOX:
      return put_mailbox(store, request, actor);
    case proto::OP_MAILBOXES:
      return mailboxes(store, reply, page);
    case proto::OP_RESOLVE: {
      // Without the description on every socket: the fields of a recipient are for servers.
      auto recipient = store.resolve(request.text(), static_cast<store::Lookup>(request.number()));
      if (!recipient) return recipient.error();
      put_mailbox(std::move(recipient->mailbox), true, reply);
      reply.set_number(recipient->room);
      return {};
    }
    case proto::OP_GET:
    case proto::OP_PUT_IF:
    case proto::OP_ERASE_IF:
    case proto::OP_SCAN:
      return on_record(store, request, actor, reply, page);
    case proto::OP_CHECKPOINT: {
      auto note = store.checkpoint(actor);
      if (!note) return note.error();
      reply.set_value(*note);
      return {};
    }
    case proto::OP_SWEEP: {
      MailboxId only;
      if (!request.mailbox().empty()) {
        const auto named = id_of<MailboxId>(request.mailbox(), "mailbox id");
        if (!named) return named.error();
        only = *named;
      }
      auto swept = store.sweep(request.limit(), request.now(), only);
      if (!swept) return swept.error();
      reply.set_number(swept->expired);
      reply.set_size(swept->size);
      reply.set_flag(swept->more);
      reply.set_receipts(swept->receipts);
      return {};
    }
    case proto::OP_PURGE: {
      auto purge = store.purge(request.number());
      if (!purge) return purge.error();
      reply.set_number(purge->number);
      reply.set_flag(purge->done);
      return {};
    }
    case proto::OP_REPORT_STATS:
      return store.stats(from_proto(request.stats()));
    case proto::OP_SERVER_STATS:
      return server_stats(store, reply, page);
    default:
      break;
  }

  // All operations below concern one mailbox, or the vault if the id is zero.
  const auto mailbox = id_of<MailboxId>(request.mailbox(), "mailbox id");
  if (!mailbox) return mailbox.error();
  switch (request.op()) {
    case proto::OP_DROP_MAILBOX:
      return store.drop_mailbox(*mailbox, actor);
    case proto::OP_MAILBOX: {
      auto record = store.mailbox(*mailbox);
      if (!record) return record.error();
      put_mailbox(std::move(*record), public_only, reply);
      return {};
    }
    case proto::OP_STAT: {
      auto stat = store.stat(*mailbox);
      if (!stat) return stat.error();
      put(*stat, *reply.mutable_stat());
      return {};
    }
    case proto::OP_FIND:
    case proto::OP_ENVELOPE:
      return on_message(store, request, *mailbox, reply);
    case proto::OP_LIST:
      return list(store, request, *mailbox, reply, page);
    case proto::OP_SWEPT:
      return swept(store, request, *mailbox, reply, page);
    case proto::OP_SEEN: {
      const auto fingerprint = bytes_of<32>(request.value(), "fingerprint");
      if (!fingerprint) return fingerprint.error();
      auto seen = store.seen(*mailbox, *fingerprint);
      if (!seen) return seen.error();
      reply.set_flag(*seen);
      return {};
    }
    case proto::OP_HISTORY_HEAD:
    case proto::OP_HISTORY_READ:
    case proto::OP_NOTE:
      return on_log(store, request, actor, *mailbox, reply, page);
    default:
      return Error(Code::BadInput, "keeper protocol: unknown operation");
  }
}

}  // namespace gw::keeper

// RemoteStore: mailboxes and small records.
#include "keeper/remote_private.h"

namespace gw::keeper {

Result<void> RemoteStore::put_mailbox(const store::MailboxRecord& record,
                                      const std::vector<store::Slot>& slots, const store::Note& note) {
  Request request = request_of(note.actor);
  proto::PutMailboxRequest& put_mailbox = *request.mutable_put_mailbox();
  put(record, *put_mailbox.mutable_mailbox());
  put(note, *put_mailbox.mutable_note());
  for (const store::Slot& slot : slots) {
    proto::Slot& to = *put_mailbox.add_slots();
    to.set_name(slot.name);
    put_bytes(slot.value, *to.mutable_value());
  }
  return done(ask(Effect::Changes, request));
}

Result<void> RemoteStore::remove_mailbox(const MailboxId& mailbox, std::string_view actor) {
  Request request = request_of(actor);
  put_mailbox_id(mailbox, *request.mutable_remove_mailbox());
  return done(ask(Effect::Changes, request));
}

Result<store::MailboxRecord> RemoteStore::mailbox(const MailboxId& mailbox) {
  Request request;
  put_mailbox_id(mailbox, *request.mutable_mailbox());
  auto reply = ask(Effect::Reads, request);
  if (!reply) return reply.error();
  return understood(from_proto((*reply)->reply().mailbox()));
}

Result<std::vector<store::MailboxRecord>> RemoteStore::mailboxes() {
  Request request;
  request.mutable_mailboxes();
  std::vector<store::MailboxRecord> records;
  return pages(request, records, [&](const Reply& reply) -> Result<void> {
    for (const proto::Mailbox& mailbox : reply.mailboxes().mailboxes()) {
      auto record = understood(from_proto(mailbox));
      if (!record) return record.error();
      records.push_back(std::move(*record));
    }
    return {};
  });
}

Result<store::Recipient> RemoteStore::resolve(std::string_view address, store::Lookup lookup) {
  // The stamp is read before the request is sent. If a record changes in between, the reply may be
  // newer than the stamp, and the entry is merely useless. A stamp that is read after the reply
  // could be newer than the reply, and the cache would return the old recipient for a second.
  // Logins are never cached, so a changed password slot counts immediately.
  const std::optional<CacheVersion> stamp =
      lookup == store::Lookup::Recipient ? pool_->stamp() : std::nullopt;
  if (stamp) {
    if (auto known = cache_.find(address, *stamp)) return std::move(*known);
  }
  Request request;
  put_bytes(as_bytes(address), *request.mutable_resolve()->mutable_address());
  request.mutable_resolve()->set_lookup(static_cast<std::uint32_t>(lookup));
  auto reply = ask(Effect::Reads, request);
  if (!reply) return reply.error();
  const proto::ResolveReply& found = (*reply)->reply().resolve();
  auto record = understood(from_proto(found.mailbox()));
  if (!record) return record.error();
  store::Recipient recipient{std::move(*record), found.room()};
  // If the request reached another keeper than the stamp belongs to, the stamp no longer matches
  // and the entry is not used.
  if (stamp) cache_.add(address, recipient, *stamp);
  return recipient;
}

Result<store::Record> RemoteStore::get(const store::RecordKey& key) {
  Request request;
  put(key, *request.mutable_get());
  auto reply = ask(Effect::Reads, request);
  if (!reply) return reply.error();
  const proto::GetReply& found = (*reply)->reply().get();
  return store::Record{key, to_bytes(found.value()), found.version()};
}

Result<std::uint64_t> RemoteStore::put_if(const store::RecordKey& key, std::uint64_t version, ByteView value,
                                          const store::Note& note) {
  Request request = request_of(note.actor);
  proto::PutIfRequest& put_if = *request.mutable_put_if();
  put(key, *put_if.mutable_key());
  put_if.set_version(version);
  put_bytes(value, *put_if.mutable_value());
  put(note, *put_if.mutable_note());
  auto reply = ask(Effect::Changes, request);
  if (!reply) return reply.error();
  return (*reply)->reply().put_if().version();
}

Result<void> RemoteStore::erase_if(const store::RecordKey& key, std::uint64_t version,
                                   const store::Note& note) {
  Request request = request_of(note.actor);
  proto::EraseIfRequest& erase_if = *request.mutable_erase_if();
  put(key, *erase_if.mutable_key());
  erase_if.set_version(version);
  put(note, *erase_if.mutable_note());
  return done(ask(Effect::Changes, request));
}

Result<std::vector<store::Record>> RemoteStore::scan(store::Kind kind, const MailboxId& mailbox,
                                                     std::string_view after, std::size_t limit) {
  Request request;
  put(store::RecordKey{kind, mailbox, std::string(after)}, *request.mutable_scan()->mutable_after());
  request.mutable_scan()->set_limit(limit);
  std::vector<store::Record> records;
  return pages(request, records, [&](const Reply& reply) -> Result<void> {
    for (const proto::Record& item : reply.scan().records()) {
      auto record = understood(from_proto(item));
      if (!record) return record.error();
      records.push_back(std::move(*record));
    }
    return {};
  });
}

}  // namespace gw::keeper

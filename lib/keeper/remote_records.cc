// RemoteStore: mailboxes and small records.
#include "keeper/remote_private.h"

namespace gw::keeper {
namespace {

Result<store::MailboxRecord> mailbox_of(std::string_view data, std::uint64_t version) {
  auto record = understood(store::decode_mailbox(as_bytes(data)));
  // The version is not part of the encoded record.
  if (record) record->version = version;
  return record;
}

}  // namespace

Result<void> RemoteStore::put_mailbox(const store::MailboxRecord& record,
                                      const std::vector<store::Slot>& slots, const store::Note& note) {
  return done(ask(Effect::Changes, proto::OP_PUT_MAILBOX, [&](Request& request) {
    put_bytes(store::encode(record), *request.mutable_value());
    request.set_version(record.version);
    put_note(note, request);
    for (const store::Slot& slot : slots) {
      proto::Slot& to = *request.add_slots();
      to.set_name(slot.name);
      put_bytes(slot.value, *to.mutable_value());
    }
  }));
}

Result<void> RemoteStore::drop_mailbox(const MailboxId& mailbox, std::string_view actor) {
  return done(ask(Effect::Changes, proto::OP_DROP_MAILBOX, [&](Request& request) {
    put_bytes(mailbox.view(), *request.mutable_mailbox());
    put_bytes(as_bytes(actor), *request.mutable_actor());
  }));
}

Result<store::MailboxRecord> RemoteStore::mailbox(const MailboxId& mailbox) {
  auto reply = ask(Effect::Reads, proto::OP_MAILBOX,
                   [&](Request& request) { put_bytes(mailbox.view(), *request.mutable_mailbox()); });
  if (!reply) return reply.error();
  return mailbox_of((*reply)->reply().value(), version_of((*reply)->reply(), 0));
}

Result<std::vector<store::MailboxRecord>> RemoteStore::mailboxes() {
  std::vector<store::MailboxRecord> records;
  return pages(
      proto::OP_MAILBOXES, records, [](Request&) {},
      [&](const Reply& reply) -> Result<void> {
        for (int at = 0; at < reply.items_size(); ++at) {
          auto record = mailbox_of(reply.items(at), version_of(reply, at));
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
  auto reply = ask(Effect::Reads, proto::OP_RESOLVE, [&](Request& request) {
    put_bytes(as_bytes(address), *request.mutable_text());
    request.set_number(static_cast<std::uint64_t>(lookup));
  });
  if (!reply) return reply.error();
  const Reply& found = (*reply)->reply();
  auto record = mailbox_of(found.value(), version_of(found, 0));
  if (!record) return record.error();
  store::Recipient recipient{std::move(*record), found.number()};
  // If the request reached another keeper than the stamp belongs to, the stamp no longer matches
  // and the entry is not used.
  if (stamp) cache_.add(address, recipient, *stamp);
  return recipient;
}

Result<store::Record> RemoteStore::get(const store::RecordKey& key) {
  auto reply = ask(Effect::Reads, proto::OP_GET, [&](Request& request) { put(key, request); });
  if (!reply) return reply.error();
  const Reply& found = (*reply)->reply();
  return store::Record{key, to_bytes(found.value()), version_of(found, 0)};
}

Result<std::uint64_t> RemoteStore::put_if(const store::RecordKey& key, std::uint64_t version, ByteView value,
                                          const store::Note& note) {
  return number_of(ask(Effect::Changes, proto::OP_PUT_IF, [&](Request& request) {
    put(key, request);
    request.set_version(version);
    put_bytes(value, *request.mutable_value());
    put_note(note, request);
  }));
}

Result<void> RemoteStore::erase_if(const store::RecordKey& key, std::uint64_t version,
                                   const store::Note& note) {
  return done(ask(Effect::Changes, proto::OP_ERASE_IF, [&](Request& request) {
    put(key, request);
    request.set_version(version);
    put_note(note, request);
  }));
}

Result<std::vector<store::Record>> RemoteStore::scan(store::Kind kind, const MailboxId& mailbox,
                                                     std::string_view after, std::size_t limit) {
  std::vector<store::Record> records;
  return pages(
      proto::OP_SCAN, records,
      [&](Request& request) {
        put(store::RecordKey{kind, mailbox, std::string(after)}, request);
        request.set_limit(limit);
      },
      [&](const Reply& reply) -> Result<void> {
        for (const proto::Record& item : reply.records()) {
          auto record = understood(from_proto(item));
          if (!record) return record.error();
          records.push_back(std::move(*record));
        }
        return {};
      });
}

}  // namespace gw::keeper

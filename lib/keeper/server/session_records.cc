// Session: the keeper's state, mailboxes and small records.
#include <algorithm>

#include "keeper/convert.h"
#include "keeper/server/session.h"

namespace gw::keeper {
namespace {

// The number of records that one call of the store may return. It is small, because one record may
// have 1 MiB.
constexpr std::size_t kRecordsAtOnce = 16;

}  // namespace

Result<void> Session::health(const proto::Empty& /*request*/, proto::Health& reply) {
  const auto health = store_.health();
  if (!health) return health.error();
  put(*health, reply);
  return {};
}

Result<void> Session::report_stats(const proto::ServerStats& request, proto::Empty& /*reply*/) {
  return store_.stats(from_proto(request));
}

Result<void> Session::server_stats(const proto::Empty& /*request*/, proto::ServerStatsReply& reply) {
  const auto all = store_.server_stats();
  if (!all) return all.error();
  for (const store::ServerStats& stats : *all) {
    proto::ServerStats item;
    put(stats, item);
    if (auto added = add(*reply.mutable_stats(), std::move(item)); !added) return added;
  }
  return {};
}

Result<void> Session::put_mailbox(const proto::PutMailboxRequest& request, proto::Empty& /*reply*/) {
  const auto record = from_proto(request.mailbox());
  if (!record) return record.error();
  std::vector<store::Slot> slots;
  for (const proto::Slot& slot : request.slots()) slots.push_back({slot.name(), to_bytes(slot.value())});
  return store_.put_mailbox(*record, slots, note_of(request.note()));
}

Result<void> Session::remove_mailbox(const proto::MailboxRequest& request, proto::Empty& /*reply*/) {
  const auto mailbox = mailbox_id(request);
  if (!mailbox) return mailbox.error();
  return store_.remove_mailbox(*mailbox, actor());
}

Result<void> Session::mailbox(const proto::MailboxRequest& request, proto::Mailbox& reply) {
  const auto mailbox = mailbox_id(request);
  if (!mailbox) return mailbox.error();
  auto record = store_.mailbox(*mailbox);
  if (!record) return record.error();
  // A description may say who owns the mailbox; the servers do not need it.
  if (role_ != Role::Admin) record->description.clear();
  put(*record, reply);
  return {};
}

Result<void> Session::mailboxes(const proto::Empty& /*request*/, proto::MailboxesReply& reply) {
  const auto records = store_.mailboxes();
  if (!records) return records.error();
  for (const store::MailboxRecord& record : *records) {
    proto::Mailbox item;
    put(record, item);
    if (auto added = add(*reply.mutable_mailboxes(), std::move(item)); !added) return added;
  }
  return {};
}

Result<void> Session::resolve(const proto::ResolveRequest& request, proto::ResolveReply& reply) {
  auto recipient = store_.resolve(request.address(), static_cast<store::Lookup>(request.lookup()));
  if (!recipient) return recipient.error();
  // Without the description on every socket: the fields of a recipient are for servers.
  recipient->mailbox.description.clear();
  put(recipient->mailbox, *reply.mutable_mailbox());
  reply.set_room(recipient->room);
  return {};
}

Result<void> Session::stat(const proto::MailboxRequest& request, proto::MailboxStat& reply) {
  const auto mailbox = mailbox_id(request);
  if (!mailbox) return mailbox.error();
  const auto stat = store_.stat(*mailbox);
  if (!stat) return stat.error();
  put(*stat, reply);
  return {};
}

Result<void> Session::get(const proto::RecordKey& request, proto::GetReply& reply) {
  const auto key = from_proto(request);
  if (!key) return key.error();
  const auto record = store_.get(*key);
  if (!record) return record.error();
  put_bytes(record->value, *reply.mutable_value());
  reply.set_version(record->version);
  return {};
}

Result<void> Session::put_if(const proto::PutIfRequest& request, proto::PutIfReply& reply) {
  const auto key = from_proto(request.key());
  if (!key) return key.error();
  const auto version =
      store_.put_if(*key, request.version(), as_bytes(request.value()), note_of(request.note()));
  if (!version) return version.error();
  reply.set_version(*version);
  return {};
}

Result<void> Session::erase_if(const proto::EraseIfRequest& request, proto::Empty& /*reply*/) {
  const auto key = from_proto(request.key());
  if (!key) return key.error();
  return store_.erase_if(*key, request.version(), note_of(request.note()));
}

Result<void> Session::scan(const proto::ScanRequest& request, proto::ScanReply& reply) {
  const auto after = from_proto(request.after());
  if (!after) return after.error();
  std::string name = after->name;
  for (std::uint64_t left = request.limit(); left > 0;) {
    const std::size_t wanted = std::min<std::uint64_t>(left, kRecordsAtOnce);
    const auto records = store_.scan(after->kind, after->mailbox, name, wanted);
    if (!records) return records.error();
    for (const store::Record& record : *records) {
      proto::Record item;
      put(record, item);
      if (auto added = add(*reply.mutable_records(), std::move(item)); !added) return added;
    }
    // Fewer than asked for: that was the end.
    if (records->size() < wanted) break;
    left -= records->size();
    name = records->back().key.name;
  }
  return {};
}

}  // namespace gw::keeper

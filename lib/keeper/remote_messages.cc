// RemoteStore: messages, leases, memory permits and password guesses.
#include "keeper/remote_private.h"

namespace gw::keeper {

Result<store::MailboxStat> RemoteStore::stat(const MailboxId& mailbox) {
  Request request;
  put_mailbox_id(mailbox, *request.mutable_stat());
  auto reply = ask(Effect::Reads, request);
  if (!reply) return reply.error();
  return from_proto((*reply)->reply().stat());
}

Result<std::unique_ptr<store::Append>> RemoteStore::begin(const MailboxId& mailbox,
                                                          const MessageId& message) {
  return make_remote_append(pool_, mailbox, message);
}

Result<store::MessageRecord> RemoteStore::find(const MailboxId& mailbox, const MessageId& message) {
  Request request;
  put_ids(mailbox, message, *request.mutable_find());
  auto reply = ask(Effect::Reads, request);
  if (!reply) return reply.error();
  return understood(store::decode_message(as_bytes((*reply)->reply().find().record())));
}

Result<std::vector<store::MessageRecord>> RemoteStore::list(const MailboxId& mailbox, std::uint64_t after,
                                                            std::size_t limit) {
  Request request;
  put_mailbox_id(mailbox, *request.mutable_list());
  request.mutable_list()->set_after(after);
  request.mutable_list()->set_limit(limit);
  std::vector<store::MessageRecord> records;
  return pages(request, records, [&](const Reply& reply) -> Result<void> {
    for (const std::string& item : reply.list().records()) {
      auto record = understood(store::decode_message(as_bytes(item)));
      if (!record) return record.error();
      records.push_back(*record);
    }
    return {};
  });
}

Result<Bytes> RemoteStore::envelope(const MailboxId& mailbox, const MessageId& message) {
  Request request;
  put_ids(mailbox, message, *request.mutable_envelope());
  auto reply = ask(Effect::Reads, request);
  if (!reply) return reply.error();
  return to_bytes((*reply)->reply().envelope().envelope());
}

Result<std::size_t> RemoteStore::read(const MailboxId& mailbox, const MessageId& message,
                                      std::uint64_t offset, std::span<std::byte> to) {
  Request request;
  put_ids(mailbox, message, *request.mutable_read());
  request.mutable_read()->set_offset(offset);
  request.mutable_read()->set_size(to.size());
  std::size_t got = 0;
  auto reply = ask(Effect::Reads, request, {.to = to, .got = &got});
  if (!reply) return reply.error();
  return got;
}

Result<store::MessageStart> RemoteStore::opening(const MailboxId& mailbox, const MessageId& message,
                                                 std::span<std::byte> to) {
  // The keeper sends the envelope with the first piece of the container, and there would be none.
  if (to.empty()) return Store::opening(mailbox, message, to);
  Request request;
  put_ids(mailbox, message, *request.mutable_opening());
  request.mutable_opening()->set_size(to.size());
  store::MessageStart opening;
  auto reply = ask(Effect::Reads, request, {.to = to, .got = &opening.size});
  if (!reply) return reply.error();
  opening.envelope = to_bytes((*reply)->reply().opening().envelope());
  return opening;
}

Result<std::size_t> RemoteStore::transition(const store::Transition& change) {
  // The keeper would end the connection for that (protocol violation).
  if (change.messages.size() > limits_.batch) {
    return Error(Code::BadInput, "too many messages in one transition");
  }
  Bytes ids;
  for (std::size_t at = 0; at < change.messages.size(); ++at) {
    // A data frame holds whole ids; 16 divides kMaxData.
    constexpr std::size_t kInOne = kMaxData / 16;
    if (at % kInOne == 0) add_data_header(ids, 16 * std::min(change.messages.size() - at, kInOne));
    append(ids, change.messages[at].view());
  }
  // The keeper knows a lease by its number on its connection. A lease of another store has no
  // number here.
  const auto* lease = dynamic_cast<const RemoteLease*>(change.lease);
  if (change.lease != nullptr && lease == nullptr)
    return Error(Code::LeaseLost, "the lease belongs to another store");
  Request request = request_of(change.actor);
  proto::TransitionRequest& to = *request.mutable_transition();
  put_mailbox_id(change.mailbox, to);
  to.set_from(static_cast<std::uint32_t>(change.from));
  to.set_to(change.to ? static_cast<std::uint32_t>(*change.to) : 0);
  to.set_count(change.messages.size());
  if (change.token) put_bytes(*change.token, *to.mutable_token());
  if (lease != nullptr) to.set_lease(lease->number());
  // Under a lease the request must use the lease's connection and is never repeated: if that
  // connection is lost, the lease is, and the messages may already be another session's.
  auto reply =
      lease != nullptr ? ask_on(*lease, request, ids) : ask(Effect::Changes, request, {.frames = ids});
  if (!reply) return reply.error();
  // Release only after the keeper's reply. If the transition failed, the messages are still
  // pending, and their connection must stay open.
  if (change.from == store::State::Pending) {
    for (const MessageId& message : change.messages) pool_->release_pending(message);
  }
  return (*reply)->reply().transition().changed();
}

Result<bool> RemoteStore::seen(const MailboxId& mailbox, const Digest& fingerprint) {
  Request request;
  put_mailbox_id(mailbox, *request.mutable_seen());
  put_bytes(fingerprint, *request.mutable_seen()->mutable_fingerprint());
  auto reply = ask(Effect::Reads, request);
  if (!reply) return reply.error();
  return (*reply)->reply().seen().seen();
}

Result<std::unique_ptr<store::Lease>> RemoteStore::acquire(const MailboxId& mailbox, std::string_view owner,
                                                           std::chrono::seconds ttl,
                                                           std::chrono::seconds yields) {
  const auto seconds = [](std::chrono::seconds time) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0));
  };
  Request request;
  proto::AcquireRequest& acquire = *request.mutable_acquire();
  put_mailbox_id(mailbox, acquire);
  put_bytes(as_bytes(owner), *acquire.mutable_owner());
  acquire.set_ttl(seconds(ttl));
  acquire.set_yields(seconds(yields));
  // Effect::Reads although it changes something: a lease ends with its connection. If the reply was
  // lost, so is the lease, and the request can be repeated without leaving anything.
  auto reply = ask(Effect::Reads, request);
  if (!reply) return reply.error();
  const std::uint64_t number = (*reply)->reply().acquire().lease();
  return std::make_unique<RemoteLease>(pool_, *reply, number);
}

Result<std::unique_ptr<store::MemoryPermit>> RemoteStore::permit(std::uint64_t size) {
  Request request;
  request.mutable_permit()->set_size(size);
  // Repeatable for the same reason as a lease. Alone, because the keeper may let the request wait
  // for 5 s.
  auto reply = ask(Effect::Reads, request, {.use = Pool::Use::Alone});
  if (!reply) return reply.error();
  const std::uint64_t number = (*reply)->reply().permit().permit();
  return std::make_unique<RemotePermit>(pool_, *reply, number);
}

Result<std::chrono::milliseconds> RemoteStore::guess(std::string_view source, store::Guess guess) {
  Request request;
  put_bytes(as_bytes(source), *request.mutable_guess()->mutable_source());
  request.mutable_guess()->set_guess(static_cast<std::uint32_t>(guess));
  // A guess that is counted twice, because the request was repeated, does no harm.
  auto reply = ask(Effect::Reads, request);
  if (!reply) return reply.error();
  // Bounded, so that a broken keeper cannot stop all logins for good.
  return std::chrono::milliseconds(std::min<std::uint64_t>((*reply)->reply().guess().wait(), kMaxGuessWait));
}

}  // namespace gw::keeper

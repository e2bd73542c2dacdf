// Session: appending, reading and moving messages.
#include <algorithm>

#include "keeper/convert.h"
#include "keeper/server/session.h"

namespace gw::keeper {
namespace {

// A last piece of at most this size is copied, to be sent in one write with the reply. For larger
// ones the copy would cost more than the second write.
constexpr std::size_t kWithReply = 32 << 10;
// The number of message records that one call of the store may return. It is small, so that little
// memory waits to be sent.
constexpr std::size_t kMessagesAtOnce = 1024;

}  // namespace

Result<void> Session::begin(const proto::MessageRequest& request) {
  const auto key = message_key(request);
  if (!key) return key.error();
  auto begun = store_.begin(key->mailbox, key->message);
  if (!begun) return begun.error();
  append_ = std::move(*begun);
  append_mailbox_ = key->mailbox;
  append_message_ = key->message;
  return {};
}

// Sends the error immediately, so that the client can stop sending. Data that is already on its way
// is read and ignored, up to the commit or abort, because the connection stays usable.
void Session::fail_append(const Error& error) {
  append_.reset();
  appending_ = Appending::Failed;
  answer(error);
}

void Session::take_data(ByteView data) {
  if (appending_ == Appending::No) return violation("data without an append");
  if (appending_ == Appending::Failed) return;
  if (auto put = append_->put(data); !put) fail_append(put.error());
}

Result<void> Session::commit(const proto::CommitRequest& request, proto::CommitReply& reply) {
  appending_ = Appending::No;
  // Moved here, so that the append is destroyed after any outcome and releases its temporary file.
  const std::unique_ptr<store::Append> ending = std::move(append_);
  auto wanted = from_proto(request);
  if (!wanted) return wanted.error();
  wanted->actor = actor();
  auto result = ending->commit(*wanted);
  if (!result) return result.error();
  reply.set_seq(result->seq);
  if (wanted->pending) {
    // Entered before the reply is sent. With the token from the reply, the client may settle the
    // message over another connection; that settlement must find the entry, or it would stay and
    // the session's end would try to mark a settled message.
    put_bytes(result->token, *reply.mutable_token());
    shared_.pending.add(this, {append_mailbox_, append_message_});
  }
  return {};
}

Result<void> Session::abort(const proto::Empty& /*request*/, proto::Empty& /*reply*/) {
  append_.reset();
  appending_ = Appending::No;
  return {};
}

Result<void> Session::find(const proto::MessageRequest& request, proto::FindReply& reply) {
  const auto key = message_key(request);
  if (!key) return key.error();
  const auto record = store_.find(key->mailbox, key->message);
  if (!record) return record.error();
  put_bytes(store::encode(*record), *reply.mutable_record());
  return {};
}

Result<void> Session::list(const proto::ListRequest& request, proto::ListReply& reply) {
  const auto mailbox = mailbox_id(request);
  if (!mailbox) return mailbox.error();
  std::uint64_t after = request.after();
  for (std::uint64_t left = request.limit(); left > 0;) {
    const std::size_t wanted = std::min<std::uint64_t>(left, kMessagesAtOnce);
    const auto records = store_.list(*mailbox, after, wanted);
    if (!records) return records.error();
    for (const store::MessageRecord& record : *records) {
      if (auto added = add(*reply.mutable_records(), store::encode(record)); !added) return added;
    }
    // Fewer than asked for: that was the end. No empty page is needed to say so, because the final
    // reply has `more` unset.
    if (records->size() < wanted) break;
    left -= records->size();
    after = records->back().seq;
  }
  return {};
}

Result<void> Session::envelope(const proto::MessageRequest& request, proto::EnvelopeReply& reply) {
  const auto key = message_key(request);
  if (!key) return key.error();
  const auto envelope = store_.envelope(key->mailbox, key->message);
  if (!envelope) return envelope.error();
  put_bytes(*envelope, *reply.mutable_envelope());
  return {};
}

Result<void> Session::read(const proto::ReadRequest& request, proto::Empty& /*reply*/) {
  const auto key = message_key(request);
  if (!key) return key.error();
  return send_container(key->mailbox, key->message, request.offset(), request.size(), nullptr);
}

Result<void> Session::opening(const proto::OpeningRequest& request, proto::EnvelopeReply& reply) {
  const auto key = message_key(request);
  if (!key) return key.error();
  return send_container(key->mailbox, key->message, 0, request.size(), reply.mutable_envelope());
}

Result<void> Session::seen(const proto::SeenRequest& request, proto::SeenReply& reply) {
  const auto mailbox = mailbox_id(request);
  if (!mailbox) return mailbox.error();
  const auto fingerprint = bytes_of<32>(request.fingerprint(), "fingerprint");
  if (!fingerprint) return fingerprint.error();
  const auto seen = store_.seen(*mailbox, *fingerprint);
  if (!seen) return seen.error();
  reply.set_seen(*seen);
  return {};
}

Result<void> Session::send_container(const MailboxId& mailbox, const MessageId& message, std::uint64_t offset,
                                     std::uint64_t size, std::string* envelope) {
  // The container is sent in pieces as it is read, so one connection needs one piece of memory,
  // whatever the size.
  piece_.resize(kMaxData);
  for (std::uint64_t left = size; left > 0 && !over_;) {
    const std::size_t wanted = std::min<std::uint64_t>(left, kMaxData);
    const std::span<std::byte> space = std::span(piece_).first(wanted);
    Result<std::size_t> got = 0;
    // The first piece comes with the envelope, in one read of the store.
    if (envelope != nullptr && offset == 0) {
      auto opened = store_.opening(mailbox, message, space);
      if (!opened) return opened.error();
      put_bytes(opened->envelope, *envelope);
      got = opened->size;
    } else {
      got = store_.read(mailbox, message, offset, space);
    }
    if (!got) return got.error();
    const ByteView data = ByteView(piece_).first(*got);
    left -= *got;
    offset += *got;
    // Fewer bytes than asked for: the end of the container. A short last piece goes into one write
    // with the reply.
    const bool last = left == 0 || *got < wanted;
    if (last && *got <= kWithReply) {
      add_data(out_, data);
      break;
    }
    add_data_header(out_, *got);
    const std::array<ByteView, 2> frame{ByteView(out_), data};
    // Sent without copying. An error in a later piece is reported by the reply, which follows the
    // data.
    if (!channel_.send(frame)) over_ = true;
    out_.clear();
    if (last) break;
  }
  return {};
}

void Session::read_ids(std::uint64_t count) {
  ids_.clear();
  // Checked before anything is read, so `count` cannot make the keeper reserve memory without
  // bound.
  if (count > store_.limits().batch) return violation("too many messages in one transition");
  while (ids_.size() < 16 * count) {
    auto frame = channel_.next();
    // Control frames cannot be skipped here, nor more ids than announced: the stream is out of
    // step.
    if (!frame || frame->kind != FrameKind::Data || frame->data.size() > 16 * count - ids_.size()) {
      return violation("message ids are missing");
    }
    append(ids_, frame->data);
  }
}

Result<void> Session::transition(const proto::TransitionRequest& request, proto::TransitionReply& reply) {
  store::Transition change;
  const auto mailbox = mailbox_id(request);
  if (!mailbox) return mailbox.error();
  change.mailbox = *mailbox;
  const auto state = state_of(request.from());
  if (!state) return Error(Code::BadInput, "keeper protocol: unknown state");
  change.from = *state;
  change.to = state_of(request.to());
  if (request.to() != 0 && !change.to) return Error(Code::BadInput, "keeper protocol: unknown state");
  for (std::size_t at = 0; at < ids_.size(); at += 16) {
    change.messages.push_back(MessageId::from(ByteView(ids_).subspan(at, 16)));
  }
  change.actor = actor();
  if (!request.token().empty()) {
    const auto token = bytes_of<16>(request.token(), "token");
    if (!token) return token.error();
    change.token = *token;
  }
  if (request.has_lease()) {
    // As for renew(): only a lease of this connection counts.
    const auto lease = leases_.find(request.lease());
    if (lease == leases_.end()) return Error(Code::LeaseLost, "this connection has no such lease");
    change.lease = lease->second.get();
  }
  auto changed = store_.transition(change);
  if (!changed) return changed.error();
  // After the store has made the change. The other way round, a session that ends in between would
  // lose track of a message that is still pending.
  if (change.from == store::State::Pending) shared_.pending.settled(change.messages);
  reply.set_changed(*changed);
  return {};
}

}  // namespace gw::keeper

// Session: appending, reading and moving messages.
#include <algorithm>

#include "keeper/convert.h"
#include "keeper/server/session.h"

namespace gw::keeper {
namespace {

// A last piece of at most this size is copied, to be sent in one write with the reply. For larger
// ones the copy would cost more than the second write.
constexpr std::size_t kWithReply = 32 << 10;

}  // namespace

void Session::begin(bool may) {
  // Set before any check: data and commit follow in any case, and have to be recognised as part of
  // this append.
  appending_ = Appending::Yes;
  if (!may)
    return fail_append(Error(Code::Usage, "begin is not for the " + std::string(name(role_)) + " socket"));
  const auto mailbox = id_of<MailboxId>(request_.mailbox(), "mailbox id");
  if (!mailbox) return fail_append(mailbox.error());
  const auto message = id_of<MessageId>(request_.message(), "message id");
  if (!message) return fail_append(message.error());
  auto begun = store_.begin(*mailbox, *message);
  if (!begun) return fail_append(begun.error());
  append_ = std::move(*begun);
  append_mailbox_ = *mailbox;
  append_message_ = *message;
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

Result<void> Session::commit() {
  appending_ = Appending::No;
  // Moved here, so that the append is destroyed after any outcome and releases its temporary file.
  const std::unique_ptr<store::Append> ending = std::move(append_);
  auto wanted = from_proto(request_.commit());
  if (!wanted) return wanted.error();
  wanted->actor = actor();
  auto receipt = ending->commit(*wanted);
  if (!receipt) return receipt.error();
  reply_.set_number(receipt->seq);
  if (wanted->pending) {
    // Entered before the reply is sent. With the token from the reply, the client may settle the
    // message over another connection; that settlement must find the entry, or it would stay and
    // the session's end would try to mark a settled message.
    put_bytes(receipt->token, *reply_.mutable_value());
    shared_.pending.add(this, {append_mailbox_, append_message_});
  }
  return {};
}

Result<void> Session::read() {
  const auto mailbox = id_of<MailboxId>(request_.mailbox(), "mailbox id");
  if (!mailbox) return mailbox.error();
  const auto message = id_of<MessageId>(request_.message(), "message id");
  if (!message) return message.error();
  const bool opening = request_.op() == proto::OP_OPENING;
  // The container is sent in pieces as it is read, so one connection needs one piece of memory,
  // whatever the size.
  piece_.resize(kMaxData);
  std::uint64_t offset = request_.from();
  for (std::uint64_t left = request_.limit(); left > 0 && !over_;) {
    const std::size_t wanted = std::min<std::uint64_t>(left, kMaxData);
    const std::span<std::byte> space = std::span(piece_).first(wanted);
    Result<std::size_t> got = 0;
    // The first piece comes with the envelope, in one read of the store.
    if (opening && offset == 0) {
      auto opened = store_.opening(*mailbox, *message, space);
      if (!opened) return opened.error();
      put_bytes(opened->envelope, *reply_.mutable_value());
      got = opened->size;
    } else {
      got = store_.read(*mailbox, *message, offset, space);
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

Bytes Session::read_ids() {
  const std::uint64_t count = request_.transition().count();
  // Checked before anything is read, so `count` cannot make the keeper reserve memory without
  // bound.
  if (count > store_.limits().batch) {
    violation("too many messages in one transition");
    return {};
  }
  Bytes ids;
  while (ids.size() < 16 * count) {
    auto frame = channel_.next();
    // Control frames cannot be skipped here, nor more ids than announced: the stream is out of
    // step.
    if (!frame || frame->kind != FrameKind::Data || frame->data.size() > 16 * count - ids.size()) {
      violation("message ids are missing");
      return {};
    }
    append(ids, frame->data);
  }
  return ids;
}

Result<void> Session::transition(const Bytes& ids) {
  const proto::Transition& from = request_.transition();
  store::Transition change;
  const auto mailbox = id_of<MailboxId>(request_.mailbox(), "mailbox id");
  if (!mailbox) return mailbox.error();
  change.mailbox = *mailbox;
  const auto state = state_of(from.from());
  if (!state) return Error(Code::BadInput, "keeper protocol: unknown state");
  change.from = *state;
  change.to = state_of(from.to());
  if (from.to() != 0 && !change.to) return Error(Code::BadInput, "keeper protocol: unknown state");
  for (std::size_t at = 0; at < ids.size(); at += 16) {
    change.messages.push_back(MessageId::from(ByteView(ids).subspan(at, 16)));
  }
  change.actor = actor();
  if (!from.token().empty()) {
    const auto token = bytes_of<16>(from.token(), "token");
    if (!token) return token.error();
    change.token = *token;
  }
  if (from.leased()) {
    // As for renew(): only a lease of this connection counts.
    const auto lease = leases_.find(request_.number());
    if (lease == leases_.end()) return Error(Code::LeaseLost, "this connection has no such lease");
    change.lease = lease->second.get();
  }
  auto changed = store_.transition(change);
  if (!changed) return changed.error();
  // After the store has made the change. The other way round, a session that ends in between would
  // lose track of a message that is still pending.
  if (change.from == store::State::Pending) shared_.pending.settled(change.messages);
  reply_.set_number(*changed);
  return {};
}

}  // namespace gw::keeper

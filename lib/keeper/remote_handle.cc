#include "keeper/remote_handle.h"

#include "keeper/convert.h"

namespace gw::keeper {
namespace {

// Up to this size an append is kept in memory, so that begin, data and commit are sent in one write
// and need one round trip. Most mails are smaller.
constexpr std::size_t kHeldBack = 64 << 10;
// A rest of at most this size is not sent by itself but with the next piece or the commit, because
// each write wakes the keeper's thread.
constexpr std::size_t kShort = 4 << 10;

class RemoteAppend : public store::Append {
 public:
  RemoteAppend(std::shared_ptr<Pool> pool, const MailboxId& mailbox, const MessageId& message)
      : pool_(std::move(pool)), message_(message) {
    proto::Request begin;
    put_bytes(mailbox.view(), *begin.mutable_begin()->mutable_mailbox());
    put_bytes(message.view(), *begin.mutable_begin()->mutable_message());
    // Nothing is sent yet: opening a connection here would keep it for as long as the SMTP client
    // takes to send the mail.
    out_.reserve(1024);
    static_cast<void>(add_control(out_, begin));
  }

  ~RemoteAppend() override {
    if (!loan_) return;
    // The keeper replies to ABORT even if the append has already failed. In that case the refusal
    // arrives first, so read until the reply to ABORT. After that the connection is in step again
    // and can be used by others.
    proto::Request request;
    request.mutable_abort();
    bool clean = loan_->send(request).has_value();
    do {
      clean = clean && loan_->receive().has_value();
    } while (clean && !loan_->reply().has_abort());
    // If the reply did not come, a later user of the connection would take it for the reply to its
    // own request.
    if (!clean) loan_.discard();
  }

  Result<void> put(ByteView container) override {
    if (failed_) return *failed_;
    if (done_) return Error(Code::Conflict, "the append has ended");
    // Also true again while streaming, after the buffered frames were sent: small pieces are
    // collected.
    if (out_.size() + container.size() <= kHeldBack) {
      add_data(out_, container);
      return {};
    }
    do {
      const ByteView piece = container.first(std::min(container.size(), kMaxData));
      // The bytes of the failed piece are lost, so a later put() or commit() must fail as well.
      if (auto sent = stream(piece); !sent) return fail(sent.error());
      container = container.subspan(piece.size());
    } while (container.size() > kShort);
    add_data(out_, container);
    return {};
  }

  Result<store::CommitResult> commit(const store::Commit& commit) override {
    if (failed_) return *failed_;
    if (done_) return Error(Code::Conflict, "the append has ended");
    // Whatever the result, this append is over: the keeper has received the commit, or never will.
    done_ = true;
    // If data has been streamed already, this connection is the only one that has it, and the
    // commit can go nowhere else. Otherwise everything is still in out_, and the whole append can
    // be sent again on a second connection.
    const bool streaming = static_cast<bool>(loan_);
    proto::Request request;
    put_bytes(as_bytes(commit.actor), *request.mutable_actor());
    keeper::put(commit, *request.mutable_commit());
    // Begin, data and commit, or the end of the data and the commit.
    if (auto added = add_control(out_, request); !added) return added.error();
    const ByteView frames(out_);
    for (bool again = false;; again = true) {
      if (!loan_) {
        auto loan = pool_->borrow(again ? Pool::Use::Fresh : Pool::Use::Alone);
        if (!loan) return loan.error().as_error();
        loan_ = std::move(*loan);
      }
      if (loan_->send_frames(std::span(&frames, 1), proto::Request::kCommit)) break;
      // Sending failed, so the keeper does not have the whole commit and has stored nothing:
      // Unavailable, not Unknown. An idle connection may have been left by a keeper that has ended;
      // a connection that was opened for this append was not.
      const bool left_behind = !streaming && !loan_.fresh();
      loan_.discard();
      if (again || !left_behind) return Error(Code::Unavailable, "the connection to the keeper was lost");
    }
    // From here on the keeper may have stored the message. Only find() can tell.
    if (auto received = loan_->receive(); !received) {
      loan_.discard();
      return Error(Code::Unknown, "the request to the keeper failed: " + received.error().text());
    }
    Result<store::CommitResult> result = result_of(loan_->reply());
    // Before the loan ends: from then on the pool may close the connection, and the keeper would
    // mark the message unconfirmed.
    if (result && commit.pending) pool_->hold_pending(*loan_.connection(), message_);
    loan_.end();
    return result;
  }

 private:
  Result<store::CommitResult> result_of(const proto::Reply& reply) {
    if (auto refused = loan_->refusal(); !refused) return refused.error();
    store::CommitResult result;
    result.seq = reply.commit().seq();
    if (reply.commit().token().empty()) return result;
    auto token = bytes_of<16>(reply.commit().token(), "token");
    // The message has been stored, but without its token it cannot be settled.
    if (!token) return Error(Code::Unknown, "the keeper sent an invalid answer: " + token.error().text());
    result.token = *token;
    return result;
  }

  Result<void> stream(ByteView piece) {
    // As in commit(): before the first write, everything is still in out_ and can be sent on
    // another connection. Later the keeper has a part of the container that exists nowhere else.
    const bool first = !loan_;
    for (bool again = false;; again = true) {
      if (!loan_) {
        auto loan = pool_->borrow(again ? Pool::Use::Fresh : Pool::Use::Alone);
        if (!loan) return loan.error().as_error();
        loan_ = std::move(*loan);
      } else if (auto refused = early_refusal(); !refused) {
        // The keeper replies to begin and data only if they fail, e.g. with Full. Looking before
        // each write ends the transfer of a large mail early: its sender gets 452 before it has
        // sent everything.
        return refused;
      }
      const std::size_t begun = out_.size();
      add_data_header(out_, piece.size());
      const std::array<ByteView, 2> frames{ByteView(out_), piece};
      if (loan_->send_frames(frames, proto::Request::kBegin)) break;
      const bool left_behind = first && !loan_.fresh();
      loan_.discard();
      if (again || !left_behind) return Error(Code::Unavailable, "the connection to the keeper was lost");
      out_.resize(begun);
    }
    // The held back data needed up to 64 KiB; from now on out_ only has headers and short rests.
    if (first) {
      Bytes().swap(out_);
    } else {
      out_.clear();
    }
    return {};
  }

  Result<void> early_refusal() {
    // The keeper sends nothing during an append except one refusal. `begin` has no result, so
    // receive() returns no other reply.
    auto arrived = loan_->arrived();
    if (arrived && !*arrived) return {};
    if (!arrived || !loan_->receive()) {
      loan_.discard();
      return Error(Code::Unavailable, "the connection to the keeper was lost");
    }
    return loan_->refusal();
  }

  Error fail(const Error& error) {
    failed_ = error;
    return error;
  }

  std::shared_ptr<Pool> pool_;
  MessageId message_;
  Bytes out_;              // frames that were not sent yet
  PooledConnection loan_;  // from the first byte sent until the reply
  bool done_ = false;
  std::optional<Error> failed_;
};

}  // namespace

std::unique_ptr<store::Append> make_remote_append(std::shared_ptr<Pool> pool, const MailboxId& mailbox,
                                                  const MessageId& message) {
  return std::make_unique<RemoteAppend>(std::move(pool), mailbox, message);
}

HeldConnection::HeldConnection(std::shared_ptr<Pool> pool, PooledConnection& loan)
    : pool_(std::move(pool)), connection_(loan.connection()) {
  // Hold before the loan ends: between the two the pool could close the connection, and what is held
  // would be lost.
  pool_->hold(*connection_);
  loan.end();
}

HeldConnection::~HeldConnection() {
  // After finish(): from here on the pool may close the connection.
  pool_->release(*connection_);
}

void HeldConnection::finish(const proto::Request& request) {
  auto loan = borrow();
  if (loan && (!(*loan)->send(request) || !(*loan)->receive())) loan->discard();
}

RemoteLease::~RemoteLease() {
  proto::Request request;
  request.mutable_release()->set_lease(number_);
  held_.finish(request);
}

Result<void> RemoteLease::renew() {
  auto loan = held_.borrow();
  // The lease ended with its connection, even if the keeper still runs.
  if (!loan) return Error(Code::LeaseLost, loan.error().text());
  proto::Request request;
  request.mutable_renew()->set_lease(number_);
  auto received = (*loan)->send(request);
  if (received) received = (*loan)->receive();
  if (!received) {
    loan->discard();
    return Error(Code::LeaseLost, "the connection to the keeper was lost");
  }
  return (*loan)->refusal();
}

RemotePermit::~RemotePermit() {
  proto::Request request;
  request.mutable_return_permit()->set_permit(number_);
  held_.finish(request);
}

RemoteSnapshot::~RemoteSnapshot() {
  proto::Request request;
  request.mutable_snapshot_end();
  held_.finish(request);
}

Result<std::optional<store::SnapshotFile>> RemoteSnapshot::next() {
  // The snapshot ended with its connection, but the vault is unharmed. Busy tells the caller to
  // begin again later.
  const auto lost = [](const Unreached& why) {
    return Error(Code::Busy, "the request to the keeper failed: " + why.text());
  };
  auto loan = held_.borrow();
  if (!loan) return lost(loan.error());
  proto::Request request;
  request.mutable_snapshot_file();
  store::SnapshotFile file;
  auto received = (*loan)->send(request);
  if (received) received = (*loan)->receive({}, nullptr, &file.content);
  if (!received) {
    loan->discard();
    return lost(received.error());
  }
  if (auto refused = (*loan)->refusal(); !refused) return refused.error();
  const proto::SnapshotFileReply& reply = (*loan)->reply().snapshot_file();
  if (reply.name().empty()) return std::optional<store::SnapshotFile>();
  // The kernel drops a descriptor that this process has no room for, and delivers the reply without
  // it.
  if (!file.content)
    return Error(Code::Internal, "received no file descriptor from the keeper: too many open files");
  file.name = reply.name();
  file.size = reply.size();
  file.immutable = reply.immutable();
  return std::optional(std::move(file));
}

RemoteSuspension::~RemoteSuspension() {
  proto::Request request;
  request.mutable_resume();
  held_.finish(request);
}

Result<void> RemoteSuspension::moved(std::string_view place, std::string_view token) {
  auto loan = held_.borrow();
  if (!loan) return Error(Code::Busy, "the request to the keeper failed: " + loan.error().text());
  proto::Request request;
  put_bytes(as_bytes(place), *request.mutable_moved()->mutable_place());
  put_bytes(as_bytes(token), *request.mutable_moved()->mutable_token());
  auto received = (*loan)->send(request);
  if (received) received = (*loan)->receive();
  // The keeper may have written VAULT/format before it went away. Unlike above, the request must
  // not be assumed undone.
  if (!received) {
    loan->discard();
    return Error(Code::Unknown, "the request to the keeper failed: " + received.error().text());
  }
  return (*loan)->refusal();
}

}  // namespace gw::keeper

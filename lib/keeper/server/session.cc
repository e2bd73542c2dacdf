#include "keeper/server/session.h"

#include "base/log.h"
#include "keeper/convert.h"
#include "keeper/server/user_name.h"

namespace gw::keeper {
namespace {

// A client that does not read its reply for so long is disconnected: its thread must not hang
// forever.
constexpr std::chrono::seconds kSendTimeout{60};
constexpr std::size_t kLarge = 64 << 10;

}  // namespace

Session::Session(Shared& shared, Fd socket, Role role)
    : shared_(shared), store_(shared.store), channel_(std::move(socket)), role_(role) {
  socklen_t length = sizeof peer_;
  // If the kernel does not say who the peer is, histories must not name uid 0.
  peer_.uid = static_cast<uid_t>(-1);
  ::getsockopt(channel_.descriptor(), SOL_SOCKET, SO_PEERCRED, &peer_, &length);
  // A client may be silent as long as it likes: POP3 sessions and leases last for hours.
  channel_.set_timeouts(std::chrono::seconds(0), kSendTimeout);
}

void Session::greet(const Error* refusal) {
  proto::Hello hello;
  hello.set_protocol(kProtocol);
  put_bytes(shared_.vault.view(), *hello.mutable_vault());
  put_bytes(shared_.incarnation, *hello.mutable_incarnation());
  const store::Limits limits = store_.limits();
  hello.set_batch(limits.batch);
  hello.set_record(limits.record);
  hello.set_chunk(limits.chunk);
  if (refusal != nullptr) put_error(*refusal, *hello.mutable_failure());
  if (!add_control(out_, hello)) return;
  // The descriptor can only travel with data, so it comes with the hello.
  if (!channel_.send(ByteView(out_), shared_.changes ? shared_.changes->descriptor() : -1)) over_ = true;
  out_.clear();
}

void Session::refuse(const Error& error) {
  greet(&error);
}

void Session::run() {
  greet(nullptr);
  while (!over_) {
    auto frame = channel_.next();
    if (!frame) {
      // Closed and Timeout need no reply.
      if (frame.error().code() == Code::BadInput) violation(frame.error().text());
      break;
    }
    // After a failed write or sync, memory and disk may differ. Any reply could promise what is not
    // on the disk, so close the connection without one; the client gets Unavailable or Unknown,
    // which is true.
    if (shared_.failed != nullptr && *shared_.failed) break;
    if (frame->kind == FrameKind::Data) {
      take_data(frame->data);
    } else if (request_.ParseFromArray(frame->data.data(), static_cast<int>(frame->data.size()))) {
      const std::size_t size = frame->data.size();
      serve(size);
      // One large record must not keep its memory for the life of the connection. Emptying a
      // message frees the fields of its operation.
      reply_.Clear();
      if (size > kLarge) request_ = proto::Request();
      if (appending_ == Appending::No) channel_.shrink();
    } else {
      violation("a message cannot be parsed");
    }
  }
  end();
}

std::string Session::actor() const {
  // The client chooses the last part. The first two come from the kernel and from the listener, so
  // the history shows reliably which user made a change and by which right.
  const std::string& said = request_.actor().empty() ? tool_ : request_.actor();
  return user() + " " + std::string(name(role_)) + " " + said;
}

const std::string& Session::user() const {
  if (user_.empty()) {
    // The number alone would mean another user on the host to which the vault is restored.
    const std::string name = user_name(peer_.uid);
    user_ = "uid=" + std::to_string(peer_.uid) + (name.empty() ? "" : "(" + name + ")");
  }
  return user_;
}

store::Note Session::note_of(const proto::Note& note) const {
  return {static_cast<store::LeafType>(note.type()), actor(), note.value()};
}

Error Session::denied() const {
  const Operation* const operation = operation_of(request_.operation_case());
  const std::string_view what = operation == nullptr ? "unknown" : operation->name;
  log::warning("request denied", {{"socket", name(role_)},
                                  {"operation", what},
                                  {"uid", peer_.uid},
                                  {"gid", peer_.gid},
                                  {"pid", peer_.pid},
                                  {"tool", tool_}});
  // Usage, not Denied: it is a mistake in a program, and a POP3 server would report Denied to its
  // client as a wrong password.
  return Error(Code::Usage,
               std::string(what) + " is not allowed on the " + std::string(name(role_)) + " socket");
}

void Session::serve(std::size_t size) {
  using proto::Request;
  const Request::OperationCase asked = request_.operation_case();
  const Operation* const operation = operation_of(asked);
  // The frame reader allows the larger limit, because it cannot know the operation.
  if (size > kMaxPlainControl && (operation == nullptr || !operation->record)) {
    return violation("a message is too long");
  }
  if (asked == Request::kIntroduction) {
    // No reply: the client sends this in one write with its first request.
    tool_ = request_.introduction().tool();
    return;
  }
  // Everything that arrives during an append belongs to it. Another request in between would make
  // it unclear which reply belongs to which. Abort is allowed in every state, so that a client can
  // always get back in step.
  if (appending_ != Appending::No && asked != Request::kCommit && asked != Request::kAbort) {
    return violation("a request within an append");
  }
  if (asked == Request::kCommit && appending_ == Appending::Failed) {
    // The refusal was already sent when the append failed. A second reply would be taken for the
    // reply to the next request.
    appending_ = Appending::No;
    return;
  }
  // The table is asked here, before any operation, so that no handler can forget it.
  const bool may = operation != nullptr && allowed(role_, *operation, request_);
  if (asked == Request::kBegin) {
    // Set before any check: data and commit follow in any case, and have to be recognised as part
    // of this append.
    appending_ = Appending::Yes;
    const Result<void> begun = may ? begin(request_.begin()) : denied();
    if (!begun) fail_append(begun.error());
    return;
  }
  if (asked == Request::kCommit && may && appending_ == Appending::No) {
    return violation("a commit without an append");
  }
  if (asked == Request::kTransition) read_ids(request_.transition().count());
  if (over_) return;
  answer(may ? carry_out(*operation) : denied());
  // Up to 1.6 MB, which must not stay for the life of the connection.
  Bytes().swap(ids_);
  // After the reply has been sent: the client needs it to know that the switch succeeded.
  if (moved_) shared_.stop();
}

Result<void> Session::carry_out(const Operation& operation) {
  page_size_ = 0;
  Result<void> result = operation.handle(*this);
  // Incremented even after an error, since Unknown may mean that the change was made, and before
  // the reply: a client that has received it must not find the old record in another client's
  // cache.
  if (operation.changes_records && shared_.changes) shared_.changes->grow();
  return result;
}

void Session::answer(const Result<void>& result) {
  if (!result) put_error(result.error(), *reply_.mutable_failure());
  // The reply does not fit into a frame. The client must get some reply, or it would wait for its
  // timeout of three minutes.
  if (auto added = add_control(out_, reply_); !added) {
    put_error(added.error(), *reply_.mutable_failure());
    static_cast<void>(add_control(out_, reply_));
  }
  send_out();
}

Result<void> Session::send_page() {
  reply_.set_more(true);
  const auto added = add_control(out_, reply_);
  reply_.set_more(false);
  if (!added) return added;
  send_out();
  if (over_) return Error(Code::Closed, "the client has gone");
  return {};
}

Result<void> Session::add(google::protobuf::RepeatedPtrField<std::string>& list, ByteView item) {
  if (auto made = make_room(list, item.size()); !made) return made;
  put_bytes(item, *list.Add());
  return {};
}

void Session::send_out() {
  // Any error of the connection ends the session. end() then releases what it holds.
  if (!over_ && !channel_.send(ByteView(out_), along_.get())) over_ = true;
  along_.reset();
  if (out_.capacity() > kLarge) Bytes().swap(out_);
  out_.clear();
}

void Session::violation(std::string_view what) {
  log::warning(
      "protocol violated",
      {{"socket", name(role_)}, {"what", what}, {"uid", peer_.uid}, {"pid", peer_.pid}, {"tool", tool_}});
  answer(Error(Code::BadInput, "keeper protocol: " + std::string(what)));
  // The position in the stream is unknown, so nothing that follows can be trusted.
  over_ = true;
}

}  // namespace gw::keeper

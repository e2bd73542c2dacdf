#include "keeper/server/session.h"

#include "base/log.h"
#include "keeper/convert.h"
#include "keeper/server/operations.h"
#include "keeper/server/roles.h"

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
      serve(frame->data.size());
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
  return "uid=" + std::to_string(peer_.uid) + " " + std::string(name(role_)) + " " + said;
}

void Session::serve(std::size_t size) {
  const proto::Op op = request_.op();
  if (op == proto::OP_NONE) {
    // No reply: the client sends this in one write with its first request.
    tool_ = request_.tool();
    return;
  }
  // The frame reader allows the larger limit, because it cannot know the operation.
  if (size > kMaxPlainControl && !carries_record(op)) return violation("a message is too long");
  reply_.Clear();
  // Everything that arrives during an append belongs to it. Another request in between would make
  // it unclear which reply belongs to which.
  if (appending_ != Appending::No && op != proto::OP_COMMIT && op != proto::OP_ABORT) {
    return violation("a request within an append");
  }
  if (op == proto::OP_COMMIT && appending_ == Appending::Failed) {
    // The refusal was already sent when the append failed. A second reply would be taken for the
    // reply to the next request.
    appending_ = Appending::No;
    return;
  }
  // The table of roles is asked here, before any operation, so that no handler can forget it.
  const bool may = allowed(role_, request_);
  if (!may) {
    log::warning("request denied", {{"socket", name(role_)},
                                    {"operation", name(op)},
                                    {"uid", peer_.uid},
                                    {"gid", peer_.gid},
                                    {"pid", peer_.pid},
                                    {"tool", tool_}});
  }
  // Usage, not Denied: it is a mistake in a program, and a POP3 server would report Denied to its
  // client as a wrong password.
  const Error denied(
      Code::Usage, std::string(name(op)) + " is not allowed on the " + std::string(name(role_)) + " socket");
  switch (op) {
    case proto::OP_BEGIN:
      return begin(may);
    case proto::OP_COMMIT: {
      if (!may) return answer(denied);
      if (appending_ == Appending::No) return violation("a commit without an append");
      answer(commit());
      break;
    }
    // Allowed in every state, so that a client can always get back in step.
    case proto::OP_ABORT: {
      append_.reset();
      appending_ = Appending::No;
      reply_.set_aborted(true);
      answer({});
      break;
    }
    case proto::OP_TRANSITION: {
      // The ids are read even if the request is refused, or they would be taken for data of an
      // append.
      const Bytes ids = read_ids();
      if (!over_) answer(may ? transition(ids) : denied);
      break;
    }
    default: {
      if (!may) return answer(denied);
      answer([&]() -> Result<void> {
        std::optional<std::pair<MailboxId, std::uint64_t>> refused;
        switch (op) {
          case proto::OP_READ:
          case proto::OP_OPENING:
            return read();
          case proto::OP_ACQUIRE:
            return acquire();
          case proto::OP_RENEW:
            return renew();
          case proto::OP_RELEASE:
            leases_.erase(request_.number());
            return {};
          case proto::OP_PERMIT:
            return permit();
          case proto::OP_RETURN:
            permits_.erase(request_.number());
            return {};
          case proto::OP_GUESS:
            return guess();
          case proto::OP_SNAPSHOT:
            return snapshot();
          case proto::OP_SNAPSHOT_FILE:
            return snapshot_file();
          case proto::OP_SNAPSHOT_END:
            snapshot_.reset();
            return {};
          case proto::OP_SUSPEND:
            return suspend();
          case proto::OP_RESUME:
            resume();
            return {};
          case proto::OP_MOVED:
            return moved();
          case proto::OP_NOTE:
            refused = refusal();
            // The client gets the reply of a note that was written.
            if (refused && shared_.refusals.repeats(store_, refused->first, refused->second)) return {};
            break;
          default:
            break;
        }
        auto operated = operate(store_, request_, actor(), role_ != Role::Admin, reply_, [this] {
          reply_.set_more(true);
          answer({});
          reply_.Clear();
          return !over_;
        });
        if (!operated && refused) shared_.refusals.forget(refused->first, refused->second);
        // Incremented even after an error, since Unknown may mean that the change was made, and
        // before the reply: a client that has received it must not find the old record in another
        // client's cache.
        if (changes_records(op) && shared_.changes) shared_.changes->grow();
        return operated;
      }());
    }
  }
  // After the reply has been sent: the client needs it to know that the switch succeeded.
  if (moved_) shared_.stop();
  // One large record must not keep its memory for the life of the connection.
  if (size > kLarge) request_ = proto::Request();
  if (appending_ == Appending::No) channel_.shrink();
}

// Returns the mailbox and the reply code if the request is a note of a refusal.
std::optional<std::pair<MailboxId, std::uint64_t>> Session::refusal() const {
  const auto leaf = store::decode_leaf(as_bytes(request_.value()));
  const auto log = id_of<MailboxId>(request_.mailbox(), "mailbox id");
  if (!leaf || !log || leaf->type != store::LeafType::Refused) return std::nullopt;
  return std::pair(*log, leaf->value);
}

void Session::answer(const Result<void>& result) {
  if (!result) {
    reply_.Clear();
    put_error(result.error(), *reply_.mutable_failure());
  }
  // The reply does not fit into a frame. The client must get some reply, or it would wait for its
  // timeout of three minutes.
  if (auto added = add_control(out_, reply_); !added) {
    reply_.Clear();
    put_error(added.error(), *reply_.mutable_failure());
    static_cast<void>(add_control(out_, reply_));
  }
  send_out();
}

void Session::send_out() {
  // Any error of the connection ends the session. end() then releases what it holds.
  if (!over_ && !channel_.send(ByteView(out_), along_.get())) over_ = true;
  along_.reset();
  if (out_.capacity() > kLarge) {
    Bytes().swap(out_);
    reply_ = proto::Reply();
  }
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

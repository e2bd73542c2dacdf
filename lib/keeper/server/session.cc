#include "keeper/server/session.h"

#include <algorithm>

#include "base/log.h"
#include "keeper/convert.h"
#include "keeper/server/operations.h"
#include "keeper/server/roles.h"

namespace gw::keeper {
namespace {

// A client that does not take its answer for so long is cut off.
constexpr std::chrono::seconds kSendTimeout{60};
constexpr std::size_t kLarge = 64 << 10;

}  // namespace

void PendingMessages::add(const void* session, const Message& message) {
  const std::lock_guard lock(mutex_);
  messages_[message.message] = {session, message.mailbox};
}

void PendingMessages::settled(const std::vector<MessageId>& messages) {
  const std::lock_guard lock(mutex_);
  for (const MessageId& message : messages) messages_.erase(message);
}

std::vector<PendingMessages::Message> PendingMessages::take(const void* session) {
  std::vector<Message> taken;
  const std::lock_guard lock(mutex_);
  for (auto at = messages_.begin(); at != messages_.end();) {
    if (at->second.session != session) {
      ++at;
      continue;
    }
    taken.push_back({at->second.mailbox, at->first});
    at = messages_.erase(at);
  }
  return taken;
}

void PendingMessages::leave(const Message& message) {
  const std::lock_guard lock(mutex_);
  left_.push_back(message);
}

std::vector<PendingMessages::Message> PendingMessages::take_left() {
  const std::lock_guard lock(mutex_);
  return std::exchange(left_, {});
}

void mark_unconfirmed(Shared& shared, const std::vector<PendingMessages::Message>& messages) {
  for (const PendingMessages::Message& message : messages) {
    store::Transition change;
    change.mailbox = message.mailbox;
    change.messages = {message.message};
    change.from = store::State::Pending;
    change.to = store::State::Unconfirmed;
    change.actor = message.actor;
    const auto changed = shared.store.transition(change);
    if (changed || changed.error().code() == Code::Conflict || changed.error().code() == Code::NotFound)
      continue;
    log::error("pending message not marked",
               {{"id", message.message.hex()}, {"error", changed.error().text()}});
    shared.pending.leave(message);
  }
}

Session::Session(Shared& shared, Fd socket, Role role)
    : shared_(shared), store_(shared.store), channel_(std::move(socket)), role_(role) {
  socklen_t length = sizeof peer_;
  peer_.uid = static_cast<uid_t>(-1);
  ::getsockopt(channel_.descriptor(), SOL_SOCKET, SO_PEERCRED, &peer_, &length);
  channel_.set_timeouts(std::chrono::seconds(0), kSendTimeout);
}

void Session::greet(const Error* refusal) {
  proto::Hello hello;
  hello.set_protocol(kProtocol);
  put_octets(shared_.vault.view(), *hello.mutable_vault());
  put_octets(shared_.incarnation, *hello.mutable_incarnation());
  const store::Limits limits = store_.limits();
  hello.set_batch(limits.batch);
  hello.set_record(limits.record);
  hello.set_chunk(limits.chunk);
  if (refusal != nullptr) put_error(*refusal, *hello.mutable_failure());
  if (!add_control(out_, hello)) return;
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
      if (frame.error().code() == Code::BadInput) violation(frame.error().text());
      break;
    }
    if (shared_.failed != nullptr && *shared_.failed) break;
    if (frame->kind == FrameKind::Data) {
      take_data(frame->octets);
    } else if (request_.ParseFromArray(frame->octets.data(), static_cast<int>(frame->octets.size()))) {
      serve(frame->octets.size());
    } else {
      violation("a message cannot be parsed");
    }
  }
  end();
}

std::string Session::actor() const {
  const std::string& said = request_.actor().empty() ? tool_ : request_.actor();
  return "uid=" + std::to_string(peer_.uid) + " " + std::string(name(role_)) + " " + said;
}

void Session::serve(std::size_t octets) {
  const proto::Op op = request_.op();
  if (op == proto::OP_NONE) {
    tool_ = request_.tool();
    return;
  }
  if (octets > kMaxPlainControl && !carries_record(op)) return violation("a message is too long");
  reply_.Clear();
  if (appending_ != Appending::No && op != proto::OP_COMMIT && op != proto::OP_ABORT) {
    return violation("a request within an append");
  }
  if (op == proto::OP_COMMIT && appending_ == Appending::Failed) {
    appending_ = Appending::No;  // answered when it failed
    return;
  }
  const bool may = allowed(role_, request_);
  if (!may) {
    log::warning("denied", {{"socket", name(role_)},
                            {"operation", name(op)},
                            {"uid", peer_.uid},
                            {"gid", peer_.gid},
                            {"pid", peer_.pid},
                            {"tool", tool_}});
  }
  const Error denied(Code::Denied,
                     std::string(name(op)) + " is not for the " + std::string(name(role_)) + " socket");
  switch (op) {
    case proto::OP_BEGIN:
      return begin(may);
    case proto::OP_COMMIT: {
      if (!may) return answer(denied);
      if (appending_ == Appending::No) return violation("a commit without an append");
      answer(commit());
      break;
    }
    case proto::OP_ABORT: {
      append_.reset();
      appending_ = Appending::No;
      reply_.set_aborted(true);
      answer({});
      break;
    }
    case proto::OP_TRANSITION: {
      const Bytes ids = read_ids();
      if (!over_) answer(may ? transition(ids) : denied);
      break;
    }
    default: {
      if (!may) return answer(denied);
      answer([&]() -> Result<void> {
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
          default:
            break;
        }
        auto operated = operate(store_, request_, actor(), role_ != Role::Admin, reply_, [this] {
          reply_.set_more(true);
          answer({});
          reply_.Clear();
          return !over_;
        });
        // Whatever came of it, and before anybody hears of it.
        if (changes_records(op) && shared_.changes) shared_.changes->grow();
        return operated;
      }());
    }
  }
  if (moved_) shared_.stop();  // once it is said
  if (octets > kLarge) request_ = proto::Request();
  if (appending_ == Appending::No) channel_.shrink();
}

void Session::answer(const Result<void>& result) {
  if (!result) {
    reply_.Clear();
    put_error(result.error(), *reply_.mutable_failure());
  }
  if (auto added = add_control(out_, reply_); !added) {
    reply_.Clear();
    put_error(added.error(), *reply_.mutable_failure());
    static_cast<void>(add_control(out_, reply_));
  }
  send_out();
}

void Session::send_out() {
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
      "protocol broken",
      {{"socket", name(role_)}, {"what", what}, {"uid", peer_.uid}, {"pid", peer_.pid}, {"tool", tool_}});
  answer(Error(Code::BadInput, "keeper protocol: " + std::string(what)));
  over_ = true;
}

void Session::begin(bool may) {
  appending_ = Appending::Yes;
  if (!may)
    return fail_append(Error(Code::Denied, "begin is not for the " + std::string(name(role_)) + " socket"));
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

// The client hears at once, so that it need not send the rest; what it had sent already is swallowed.
void Session::fail_append(const Error& error) {
  append_.reset();
  appending_ = Appending::Failed;
  answer(error);
}

void Session::take_data(ByteView octets) {
  if (appending_ == Appending::No) return violation("octets without an append");
  if (appending_ == Appending::Failed) return;
  if (auto put = append_->put(octets); !put) fail_append(put.error());
}

Result<void> Session::commit() {
  appending_ = Appending::No;
  const std::unique_ptr<store::Append> ending = std::move(append_);
  auto wanted = from_proto(request_.commit());
  if (!wanted) return wanted.error();
  wanted->actor = actor();
  auto receipt = ending->commit(*wanted);
  if (!receipt) return receipt.error();
  reply_.set_number(receipt->seq);
  if (wanted->pending) {
    put_octets(receipt->token, *reply_.mutable_value());
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
  piece_.resize(kMaxData);
  std::uint64_t offset = request_.from();
  for (std::uint64_t left = request_.limit(); left > 0 && !over_;) {
    const std::size_t wanted = std::min<std::uint64_t>(left, kMaxData);
    const std::span<std::byte> space = std::span(piece_).first(wanted);
    Result<std::size_t> got = 0;
    if (opening && offset == 0) {
      auto opened = store_.opening(*mailbox, *message, space);
      if (!opened) return opened.error();
      put_octets(opened->envelope, *reply_.mutable_value());
      got = opened->octets;
    } else {
      got = store_.read(*mailbox, *message, offset, space);
    }
    if (!got) return got.error();
    const ByteView octets = ByteView(piece_).first(*got);
    left -= *got;
    offset += *got;
    const bool last = left == 0 || *got < wanted;
    if (last && *got <= kLarge / 2) {
      add_data(out_, octets);  // goes out with the reply
      break;
    }
    add_data_header(out_, *got);
    const std::array<ByteView, 2> frame{ByteView(out_), octets};
    if (!channel_.send(frame)) over_ = true;
    out_.clear();
    if (last) break;
  }
  return {};
}

Bytes Session::read_ids() {
  const std::uint64_t count = request_.transition().count();
  if (count > store_.limits().batch) {
    violation("too many messages in one transition");
    return {};
  }
  Bytes ids;
  while (ids.size() < 16 * count) {
    auto frame = channel_.next();
    if (!frame || frame->kind != FrameKind::Data || frame->octets.size() > 16 * count - ids.size()) {
      violation("message ids are missing");
      return {};
    }
    append(ids, frame->octets);
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
  if (!state) return Error(Code::BadInput, "keeper protocol: no such state");
  change.from = *state;
  change.to = state_of(from.to());
  if (from.to() != 0 && !change.to) return Error(Code::BadInput, "keeper protocol: no such state");
  for (std::size_t at = 0; at < ids.size(); at += 16) {
    change.messages.push_back(MessageId::from(ByteView(ids).subspan(at, 16)));
  }
  change.actor = actor();
  if (!from.token().empty()) {
    const auto token = octets_of<16>(from.token(), "token");
    if (!token) return token.error();
    change.token = *token;
  }
  if (from.leased()) {
    const auto lease = leases_.find(request_.number());
    if (lease == leases_.end()) return Error(Code::LeaseLost, "this connection has no such lease");
    change.lease = lease->second.get();
  }
  auto changed = store_.transition(change);
  if (!changed) return changed.error();
  if (change.from == store::State::Pending) shared_.pending.settled(change.messages);
  reply_.set_number(*changed);
  return {};
}

Result<void> Session::acquire() {
  const auto mailbox = id_of<MailboxId>(request_.mailbox(), "mailbox id");
  if (!mailbox) return mailbox.error();
  static constexpr std::uint64_t kLongest = 7 * 86'400;
  const auto seconds = [](std::uint64_t number) { return std::chrono::seconds(std::min(number, kLongest)); };
  auto lease = store_.acquire(*mailbox, request_.text(), seconds(request_.limit()), seconds(request_.from()));
  if (!lease) return lease.error();
  const std::uint64_t number = (*lease)->number();
  leases_[number] = std::move(*lease);
  reply_.set_number(number);
  return {};
}

Result<void> Session::renew() {
  const auto lease = leases_.find(request_.number());
  if (lease == leases_.end()) return Error(Code::LeaseLost, "this connection has no such lease");
  return lease->second->renew();
}

Result<void> Session::permit() {
  auto permit = store_.permit(request_.limit());
  if (!permit) return permit.error();
  reply_.set_number(next_permit_);
  permits_[next_permit_++] = std::move(*permit);
  return {};
}

Result<void> Session::snapshot() {
  if (snapshot_) return Error(Code::Busy, "this connection has a snapshot");
  auto made = store_.snapshot();
  if (!made) return made.error();
  snapshot_ = std::move(*made);
  reply_.set_number(snapshot_->commits());
  return {};
}

Result<void> Session::snapshot_file() {
  if (!snapshot_) return Error(Code::NotFound, "this connection has no snapshot");
  auto file = snapshot_->next();
  if (!file) return file.error();
  if (!*file) return {};
  reply_.set_value((*file)->name);
  reply_.set_octets((*file)->octets);
  reply_.set_flag((*file)->immutable);
  along_ = std::move((*file)->content);
  return {};
}

Result<void> Session::suspend() {
  if (suspension_) return Error(Code::Busy, "this connection has suspended it");
  auto suspended = store_.suspend();
  if (!suspended) return suspended.error();
  suspension_ = std::move(*suspended);
  return {};
}

void Session::resume() {
  if (!suspension_) return;
  suspension_.reset();
  if (!moved_) mark_unconfirmed(shared_, shared_.pending.take_left());
}

Result<void> Session::moved() {
  if (!suspension_) return Error(Code::Conflict, "this connection has not suspended it");
  auto moved = suspension_->moved(request_.text(), request_.value());
  moved_ = moved.has_value();
  return moved;
}

void Session::end() {
  append_.reset();
  leases_.clear();
  permits_.clear();
  snapshot_.reset();
  resume();
  std::vector<PendingMessages::Message> pending = shared_.pending.take(this);
  for (PendingMessages::Message& message : pending)
    message.actor = "uid=" + std::to_string(peer_.uid) + " " + std::string(name(role_)) + " connection lost";
  mark_unconfirmed(shared_, pending);
}

}  // namespace gw::keeper

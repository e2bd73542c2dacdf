// Session: what a connection holds in the keeper, and what ends with it.
#include <algorithm>

#include "keeper/convert.h"
#include "keeper/server/session.h"

namespace gw::keeper {

Result<void> Session::acquire(const proto::AcquireRequest& request, proto::AcquireReply& reply) {
  const auto mailbox = mailbox_id(request);
  if (!mailbox) return mailbox.error();
  // Seconds. Without a limit, a large number would overflow when it is added to a time.
  static constexpr std::uint64_t kMaxLength = 7 * 86'400;
  const auto seconds = [](std::uint64_t number) {
    return std::chrono::seconds(std::min(number, kMaxLength));
  };
  auto lease = store_.acquire(*mailbox, request.owner(), seconds(request.ttl()), seconds(request.yields()));
  if (!lease) return lease.error();
  const std::uint64_t number = (*lease)->number();
  leases_[number] = std::move(*lease);
  reply.set_lease(number);
  return {};
}

Result<void> Session::renew(const proto::LeaseRequest& request, proto::Empty& /*reply*/) {
  // Only leases of this connection count, so guessing the number of another client's lease is
  // useless.
  const auto lease = leases_.find(request.lease());
  if (lease == leases_.end()) return Error(Code::LeaseLost, "this connection has no such lease");
  return lease->second->renew();
}

Result<void> Session::release(const proto::LeaseRequest& request, proto::Empty& /*reply*/) {
  leases_.erase(request.lease());
  return {};
}

Result<void> Session::permit(const proto::PermitRequest& request, proto::PermitReply& reply) {
  auto permit = store_.permit(request.size());
  if (!permit) return permit.error();
  reply.set_permit(next_permit_);
  permits_[next_permit_++] = std::move(*permit);
  return {};
}

Result<void> Session::return_permit(const proto::ReturnPermitRequest& request, proto::Empty& /*reply*/) {
  permits_.erase(request.permit());
  return {};
}

// Counts wrong passwords separately for each role. Otherwise a process that can only reach the
// append socket could report wrong guesses from a client's address, and so slow down its POP3
// logins.
Result<void> Session::guess(const proto::GuessRequest& request, proto::GuessReply& reply) {
  // Enough for an IPv6 network, which is what net::source_of() returns.
  static constexpr std::size_t kMaxSource = 64;
  if (request.source().empty() || request.source().size() > kMaxSource)
    return Error(Code::BadInput, "the source of the guess is missing");
  const std::string source = std::string(name(role_)) + " " + request.source();
  switch (static_cast<store::Guess>(request.guess())) {
    case store::Guess::Next:
      reply.set_wait(static_cast<std::uint64_t>(shared_.guesses.wait(source).count()));
      return {};
    case store::Guess::Wrong:
      shared_.guesses.failed(source);
      return {};
    case store::Guess::Right:
      shared_.guesses.succeeded(source);
      return {};
  }
  return Error(Code::BadInput, "unknown kind of guess");
}

Result<void> Session::snapshot(const proto::Empty& /*request*/, proto::SnapshotReply& reply) {
  // A snapshot takes room on the disk, so there is one for each connection; the store itself allows
  // only one at all.
  if (snapshot_) return Error(Code::Busy, "this connection already has a snapshot");
  auto made = store_.snapshot();
  if (!made) return made.error();
  snapshot_ = std::move(*made);
  reply.set_commits(snapshot_->commits());
  return {};
}

Result<void> Session::snapshot_file(const proto::Empty& /*request*/, proto::SnapshotFileReply& reply) {
  if (!snapshot_) return Error(Code::NotFound, "this connection has no snapshot");
  auto file = snapshot_->next();
  if (!file) return file.error();
  // A reply without a name ends the list.
  if (!*file) return {};
  reply.set_name((*file)->name);
  reply.set_size((*file)->size);
  reply.set_immutable((*file)->immutable);
  // The descriptor is sent with the reply, so the client reads the file as itself and the keeper
  // copies nothing.
  along_ = std::move((*file)->content);
  return {};
}

Result<void> Session::snapshot_end(const proto::Empty& /*request*/, proto::Empty& /*reply*/) {
  snapshot_.reset();
  return {};
}

Result<void> Session::suspend(const proto::Empty& /*request*/, proto::Empty& /*reply*/) {
  if (suspension_) return Error(Code::Busy, "this connection has already suspended the vault");
  auto suspended = store_.suspend();
  if (!suspended) return suspended.error();
  suspension_ = std::move(*suspended);
  return {};
}

Result<void> Session::resume(const proto::Empty& /*request*/, proto::Empty& /*reply*/) {
  end_suspension();
  return {};
}

void Session::end_suspension() {
  if (!suspension_) return;
  suspension_.reset();
  // Messages whose session ended during the suspension could not be changed then. After a move, no
  // change can be made here any more; the keeper of the new vault finds them when it opens it.
  if (!moved_) mark_unconfirmed(store_, shared_.pending, shared_.pending.take_left());
}

Result<void> Session::moved(const proto::MovedRequest& request, proto::Empty& /*reply*/) {
  if (!suspension_) return Error(Code::Conflict, "this connection has not suspended the vault");
  auto moved = suspension_->moved(request.place(), request.token());
  // Only a certain success ends the keeper here. After Unknown the store has failed, and the keeper
  // ends because of that.
  moved_ = moved.has_value();
  return moved;
}

void Session::end() {
  // The order matters. An append and the leases end first, so that other sessions can continue. The
  // suspension ends before the pending messages are marked, because no change is possible while it
  // lasts.
  append_.reset();
  leases_.clear();
  permits_.clear();
  snapshot_.reset();
  end_suspension();
  std::vector<PendingMessages::Message> pending = shared_.pending.take(this);
  for (PendingMessages::Message& message : pending)
    message.actor = user() + " " + std::string(name(role_)) + " connection lost";
  mark_unconfirmed(store_, shared_.pending, pending);
}

}  // namespace gw::keeper

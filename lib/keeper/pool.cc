#include "keeper/pool.h"

#include <algorithm>
#include <cstring>
#include <thread>

#include "keeper/convert.h"

namespace gw::keeper {
namespace {

using namespace std::chrono_literals;

// The time that a keeper may take to reply, and to accept what is sent. Longer than any operation
// should take, e.g. a commit on a disk under heavy load, so that only a keeper that hangs is given
// up.
constexpr std::chrono::seconds kAnswer{180};
// The hello needs no disk, so a keeper that is alive sends it promptly.
constexpr std::chrono::seconds kHello{10};
constexpr std::size_t kLargeMessage = 64 << 10;
// While there are more than kKept idle connections, those that have been idle for kRest are closed.
// Each one costs the keeper a thread.
constexpr std::size_t kKept = 4;
constexpr std::chrono::seconds kRest{30};

}  // namespace

Result<std::shared_ptr<Connection>> Connection::open(Fd socket, std::string_view tool) {
  std::shared_ptr<Connection> connection(new Connection(std::move(socket)));
  connection->channel_.set_timeouts(kHello, kAnswer);
  // The hello carries the descriptor of the ChangeCounter.
  auto frame = connection->channel_.next(&connection->changes_);
  if (!frame) return frame.error();
  proto::Hello& hello = connection->hello_;
  if (frame->kind != FrameKind::Control ||
      !hello.ParseFromArray(frame->data.data(), static_cast<int>(frame->data.size()))) {
    return Error(Code::BadInput, "the keeper sent an invalid greeting");
  }
  if (hello.has_failure()) return error_of(hello.failure());
  // After an update of the package, an old keeper may still run. Its other fields may have another
  // meaning, so the version comes before all of them except `failure`.
  if (hello.protocol() != kProtocol) {
    return Error(Code::Version, "the keeper uses protocol version " + std::to_string(hello.protocol()) +
                                    ", but this program uses " + std::to_string(kProtocol))
        .with_hint("stop the running keeper, so that one of this version starts");
  }
  if (hello.vault().size() != VaultId{}.data.size()) {
    return Error(Code::BadInput, "the keeper sent an invalid greeting");
  }
  // The client's name has no reply of its own. It is kept and sent in the same write as the first
  // request, which saves a wake-up of the keeper's thread.
  connection->channel_.set_timeouts(kAnswer, kAnswer);
  proto::Request greeting;
  put_bytes(as_bytes(tool), *greeting.mutable_introduction()->mutable_tool());
  if (auto added = add_control(connection->greeting_, greeting); !added) return added.error();
  return connection;
}

Reached<void> Connection::send(const proto::Request& request, ByteView more) {
  out_.clear();
  if (auto added = add_control(out_, request); !added) return added.error();
  const std::array<ByteView, 2> frames{ByteView(out_), more};
  return send_frames(frames, request.operation_case());
}

Reached<void> Connection::send_frames(std::span<const ByteView> frames,
                                      proto::Request::OperationCase operation) {
  operation_ = operation;
  if (greeting_.empty()) return channel_.send(frames);
  std::vector<ByteView> all{ByteView(greeting_)};
  all.insert(all.end(), frames.begin(), frames.end());
  auto sent = channel_.send(all);
  // Also after a failure: the connection is discarded then.
  Bytes().swap(greeting_);
  return sent;
}

Reached<void> Connection::receive(std::span<std::byte> to, std::size_t* got, Fd* along) {
  std::size_t filled = 0;
  for (;;) {
    auto frame = channel_.next(along);
    if (!frame) return frame.error();
    if (frame->kind == FrameKind::Control) {
      if (!reply_.ParseFromArray(frame->data.data(), static_cast<int>(frame->data.size()))) {
        return Unreached("the keeper sent an invalid answer");
      }
      // A result has the number of its operation. One of another operation means that requests and
      // replies are out of step.
      if (!reply_.has_failure() && static_cast<int>(reply_.result_case()) != static_cast<int>(operation_)) {
        return Unreached("the keeper answered another request");
      }
      large_reply_ = large_reply_ || frame->data.size() > kLargeMessage;
      if (got != nullptr) *got = filled;
      return {};
    }
    // Never write beyond the caller's buffer, whatever the keeper sends.
    if (frame->data.size() > to.size() - filled) return Unreached("the keeper sent more data than requested");
    std::copy(frame->data.begin(), frame->data.end(), to.begin() + static_cast<std::ptrdiff_t>(filled));
    filled += frame->data.size();
  }
}

Result<void> Connection::refusal() const {
  if (!reply_.has_failure()) return {};
  return error_of(reply_.failure());
}

// One large record would otherwise keep up to 1 MiB in each buffer of each idle connection.
// Clearing a protobuf message does not free its memory, so it is replaced.
void Connection::rest() {
  channel_.shrink();
  if (out_.capacity() > kLargeMessage) Bytes().swap(out_);
  if (large_reply_) reply_ = proto::Reply();
  large_reply_ = false;
}

PooledConnection& PooledConnection::operator=(PooledConnection&& other) noexcept {
  end();
  pool_ = other.pool_;
  connection_ = std::move(other.connection_);
  fresh_ = other.fresh_;
  return *this;
}

void PooledConnection::end() {
  if (connection_) pool_->give_back(connection_);
  connection_.reset();
}

void PooledConnection::discard() {
  if (connection_) pool_->drop(connection_);
  connection_.reset();
}

Reached<PooledConnection> Pool::borrow(Use use) {
  {
    const std::lock_guard lock(mutex_);
    // An operation on an idle connection has just failed. The other idle ones were connected to the
    // same keeper, so trying them one after the other would only use up the attempts.
    if (use == Use::Fresh)
      std::erase_if(idle_, [](const auto& connection) { return connection->holds_ == 0; });
    // From the end, where the connection that was used last is: so the others stay idle long enough
    // to be closed.
    auto chosen = idle_.rend();
    if (use != Use::Fresh) {
      chosen = std::find_if(idle_.rbegin(), idle_.rend(),
                            [](const auto& connection) { return connection->holds_ == 0; });
      // Better a connection that holds something than a new one: a POP3 session, for instance, does
      // everything on the connection of its lease.
      if (chosen == idle_.rend() && use == Use::Any) chosen = idle_.rbegin();
    }
    if (chosen != idle_.rend()) {
      std::shared_ptr<Connection> connection = std::move(*chosen);
      idle_.erase(std::next(chosen).base());
      connection->lent_ = true;
      return PooledConnection(this, std::move(connection), false);
    }
  }
  auto connection = dial();
  if (!connection) return connection.error();
  return PooledConnection(this, std::move(*connection), true);
}

Reached<PooledConnection> Pool::borrow(const std::shared_ptr<Connection>& connection) {
  std::unique_lock lock(mutex_);
  // The loan of another thread may still have it, e.g. a short operation that borrowed it with
  // Use::Any. give_back() and drop() wake this thread.
  ++waiting_;
  freed_.wait(lock, [&] { return connection->dead_ || !connection->lent_; });
  --waiting_;
  // The keeper has ended the holds of this connection, so another connection is of no use.
  if (connection->dead_) return Unreached("the connection to the keeper was lost");
  std::erase(idle_, connection);
  connection->lent_ = true;
  return PooledConnection(this, connection, false);
}

// A keeper that is ending still has connections in its listen queue, and closes them without a
// hello; one that is starting may be slow to open the vault. Both are over within seconds, so dial
// again with growing pauses instead of making each caller do that.
Reached<std::shared_ptr<Connection>> Pool::dial() {
  const BootClock::time_point until = BootClock::now() + 10s;
  for (std::chrono::milliseconds pause = 5ms;; pause = std::min(2 * pause, 200ms)) {
    auto socket = dial_();
    if (!socket) return socket.error();
    auto connection = Connection::open(std::move(*socket), tool_);
    if (connection) {
      const VaultId vault = VaultId::from(as_bytes((*connection)->hello().vault()));
      const std::lock_guard lock(mutex_);
      // A path can lead to another vault after a restart, e.g. if a file system was mounted there.
      // Mailbox ids, leases and limits that the caller has from the first vault must not be used in
      // the second.
      if (vault_.zero()) vault_ = vault;
      if (vault_ != vault) return Error(Code::Config, "the keeper now serves another vault");
      watch(**connection);
      return connection;
    }
    // Any other error is the keeper's own refusal, which would be the same the next time.
    const Code code = connection.error().code();
    if (code != Code::Closed && code != Code::Timeout) return connection.error();
    if (BootClock::now() + pause > until) {
      return Unreached("the keeper does not answer", "see the keeper's log");
    }
    std::this_thread::sleep_for(pause);
  }
}

void Pool::watch(Connection& connection) {
  // All connections to one keeper bring a descriptor of the same page: map it once.
  const Fd memory = std::move(connection.changes_);
  if (!memory || (changes_ && connection.hello().incarnation() == watched_)) return;
  // Without a view, nothing is cached. That costs time but changes no result.
  auto view = ChangeCounterView::map(memory);
  if (!view) return;
  changes_ = std::move(*view);
  watched_ = connection.hello().incarnation();
  // From here on, entries that were cached under the earlier keeper no longer match the stamp.
  ++keepers_;
}

std::optional<CacheVersion> Pool::stamp() const {
  const std::lock_guard lock(mutex_);
  if (!changes_) return std::nullopt;
  return CacheVersion{keepers_, changes_->now()};
}

void Pool::give_back(const std::shared_ptr<Connection>& connection) {
  // Before it is visible to other threads.
  connection->rest();
  // The oldest idle connection is at the front. Closing one at a time is enough, since each
  // operation comes through here.
  std::shared_ptr<Connection> surplus;  // destroyed, and so closed, after the mutex is released
  const std::lock_guard lock(mutex_);
  const BootClock::time_point now = BootClock::now();
  connection->lent_ = false;
  connection->idle_since_ = now;
  idle_.push_back(connection);
  if (idle_.size() > kKept && now - idle_.front()->idle_since_ > kRest) {
    const auto oldest =
        std::find_if(idle_.begin(), idle_.end(), [](const auto& idle) { return idle->holds_ == 0; });
    if (oldest != idle_.end() && now - (*oldest)->idle_since_ > kRest) {
      surplus = std::move(*oldest);
      idle_.erase(oldest);
    }
  }
  if (waiting_ > 0) freed_.notify_all();
}

void Pool::drop(const std::shared_ptr<Connection>& connection) {
  // Cut first, so that the keeper ends what the connection held before this client continues, e.g.
  // by acquiring the same lease again.
  connection->channel_.cut();
  const std::lock_guard lock(mutex_);
  connection->dead_ = true;
  // The keeper may have ended, and then counts no more changes. Stop using the cache until a new
  // hello brings a counter.
  changes_.reset();
  // The keeper marks these messages unconfirmed when the connection ends.
  for (const MessageId& message : connection->pending_) pending_.erase(message);
  connection->pending_.clear();
  if (waiting_ > 0) freed_.notify_all();
}

void Pool::hold(Connection& connection) {
  const std::lock_guard lock(mutex_);
  ++connection.holds_;
}

void Pool::release(Connection& connection) {
  const std::lock_guard lock(mutex_);
  --connection.holds_;
}

void Pool::hold_pending(Connection& connection, const MessageId& message) {
  const std::lock_guard lock(mutex_);
  // One hold for each message, however often the caller repeats itself, since release_pending()
  // decrements the count once.
  if (!connection.pending_.insert(message).second) return;
  pending_[message] = &connection;
  ++connection.holds_;
}

void Pool::release_pending(const MessageId& message) {
  const std::lock_guard lock(mutex_);
  // The message is not found if the connection was dropped meanwhile.
  const auto found = pending_.find(message);
  if (found == pending_.end()) return;
  found->second->pending_.erase(message);
  --found->second->holds_;
  pending_.erase(found);
}

}  // namespace gw::keeper

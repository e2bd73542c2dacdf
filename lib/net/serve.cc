#include "net/serve.h"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/log.h"
#include "net/proxy_protocol.h"

namespace gw::net {
namespace {

#ifdef GW_SANITIZED
constexpr std::size_t kStack = 2 << 20;
#else
constexpr std::size_t kStack = 256 << 10;
#endif
constexpr int kPauseMilliseconds = 100;
constexpr int kArenas = 4;
constexpr std::size_t kDescriptorsEach = 3;  // the connection, its way to the keeper, and one to spare
constexpr std::size_t kScarceShare = 10;     // the part of per_source that a source may have then
constexpr std::chrono::seconds kBetweenComplaints{10};

std::atomic<bool> is_crowded{false};

// Shared with the connections' threads, so that one that is left behind has what it needs.
struct Shared {
  Shared(const ServeLimits& bounds, std::size_t most_connections, Handler serve_one, Refusal refuse_one)
      : limits(bounds),
        most(most_connections),
        handler(std::move(serve_one)),
        refusal(std::move(refuse_one)) {}
  const ServeLimits limits;
  const std::size_t most;  // connections
  Handler handler;
  Refusal refusal;
  SourceCounter sources;
  std::vector<Listener> listeners;  // without their sockets: what a handler is told
  std::mutex mutex;
  std::condition_variable ended;
  std::size_t count = 0;
  std::optional<pthread_t> last;  // the thread that came to its end last, to be joined

  bool counted(const std::string& address) const {
    if (address.empty() || address == "unix") return false;
    return !limits.exempt || !limits.exempt(address);
  }
  bool from_balancer(const std::string& address) const { return limits.balancer && limits.balancer(address); }
  bool enter(const std::string& source) {
    const bool share = is_crowded && limits.per_source < most;
    return sources.enter(
        source, share ? std::max<std::size_t>(1, limits.per_source / kScarceShare) : limits.per_source);
  }
  // Nobody waits for this peer: what does not go at once does not go.
  void refuse(Stream& stream, const Listener& listener) const {
    if (listener.implicit_tls || !refusal) return;
    const std::string text = refusal(listener);
    stream.set_timeout(std::chrono::milliseconds(0));
    if (!text.empty()) (void)stream.write(as_bytes(text));
  }

  // Call with the mutex held.
  void change_count(int by) {
    count += static_cast<std::size_t>(by);
    is_crowded = count * 5 >= most * 4;
  }

  // A connection has ended that never had a thread.
  void leave() {
    const std::scoped_lock lock(mutex);
    change_count(-1);
    ended.notify_all();
  }

  // A connection's thread is about to end. It is joined, by the next that ends or by serve(): what runs at a
  // thread's end (OpenSSL frees what is the thread's) must not run beside the end of the process.
  void leave_thread() {
    std::optional<pthread_t> before;
    {
      const std::scoped_lock lock(mutex);
      before = std::exchange(last, ::pthread_self());
      change_count(-1);
      ended.notify_all();
    }
    if (before) ::pthread_join(*before, nullptr);
  }
};

struct Connection {
  std::shared_ptr<Shared> shared;
  Stream stream;
  const Listener* listener;
  std::string source;  // empty: not counted

  ~Connection() {
    if (!source.empty()) shared->sources.leave(source);
    stream.close();
  }
};

// Learns from the balancer who its client is. False: the connection is not to be served.
bool introduce(Connection& connection) {
  Shared& shared = *connection.shared;
  const std::string balancer = connection.stream.peer().address;
  const Result<void> read = read_proxy_header(connection.stream, shared.limits.proxy_timeout);
  if (!read) {
    // A probe that connects and leaves is no news.
    if (read.error().code() != Code::Closed)
      log::warning("connection refused", {{"reason", read.error().text()}, {"peer", balancer}});
    return false;
  }
  const std::string& client = connection.stream.peer().address;
  if (client == balancer || !shared.counted(client)) return true;
  std::string source = source_of(client);
  if (shared.enter(source)) {
    connection.source = std::move(source);
    return true;
  }
  log::warning("connection refused",
               {{"reason", "too many connections from one source"}, {"peer", client}, {"through", balancer}});
  shared.refuse(connection.stream, *connection.listener);
  return false;
}

void* run(void* argument) {
  std::unique_ptr<Connection> connection(static_cast<Connection*>(argument));
  const std::shared_ptr<Shared> shared = connection->shared;
  try {
    if (!shared->from_balancer(connection->stream.peer().address) || introduce(*connection))
      shared->handler(std::move(connection->stream), *connection->listener);
  } catch (const std::exception& trouble) {
    log::error("connection ended", {{"reason", trouble.what()}});
  }
  connection.reset();
  shared->leave_thread();
  return nullptr;
}

// One line each ten seconds of what may happen a thousand times.
class Complaint {
 public:
  explicit Complaint(std::string_view event) : event_(event) {}
  void utter(std::string_view reason, std::string_view peer) {
    const auto now = std::chrono::steady_clock::now();
    ++unsaid_;
    if (said_ && now < *said_ + kBetweenComplaints) return;
    said_ = now;
    log::warning(event_, {{"reason", reason}, {"peer", peer}, {"times", unsaid_}});
    unsaid_ = 0;
  }

 private:
  std::string_view event_;
  std::optional<std::chrono::steady_clock::time_point> said_;
  std::size_t unsaid_ = 0;
};

class Acceptor {
 public:
  Acceptor(std::vector<Listener> listeners, std::shared_ptr<Shared> shared)
      : sockets_(std::move(listeners)), shared_(std::move(shared)) {
    for (const Listener& listener : sockets_) {
      Listener told;
      told.protocol = listener.protocol;
      told.address = listener.address;
      told.implicit_tls = listener.implicit_tls;
      shared_->listeners.push_back(std::move(told));
    }
  }

  Result<void> run() {
    std::vector<pollfd> items;
    for (const Listener& listener : sockets_) items.push_back({listener.socket.get(), POLLIN, 0});
    items.push_back({stop::descriptor(), POLLIN, 0});
    while (!stop::requested()) {
      if (::poll(items.data(), items.size(), -1) < 0 && errno != EINTR && errno != EAGAIN) {
        return Error::from_errno("cannot wait for connections");
      }
      for (std::size_t at = 0; at < sockets_.size() && !stop::requested(); ++at) {
        if (items[at].revents != 0) accept_from(at);
      }
    }
    return {};
  }

 private:
  void accept_from(std::size_t at) {
    Fd socket(::accept4(sockets_[at].socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket) {
      // Anything but these is the connection's own end (accept(2) names a dozen) and no news.
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        pause(Error::from_errno("accept").text());
      }
      return;
    }
    Peer peer = peer_of(socket.get());
    const std::string address = peer.address;
    const Listener& listener = shared_->listeners[at];

    auto connection = std::unique_ptr<Connection>(
        new Connection{shared_, Stream(std::move(socket), std::move(peer)), &listener, {}});
    {
      const std::scoped_lock lock(shared_->mutex);
      shared_->change_count(1);
      if (shared_->count > shared_->most) connection_refusal_ = "all connections are taken";
    }
    if (connection_refusal_.empty() && shared_->counted(address) && !shared_->from_balancer(address)) {
      std::string source = source_of(address);
      if (shared_->enter(source)) {
        connection->source = std::move(source);
      } else {
        connection_refusal_ = "too many connections from one source";
      }
    }
    if (!connection_refusal_.empty()) {
      refused_.utter(connection_refusal_, address);
      connection_refusal_.clear();
      shared_->refuse(connection->stream, listener);
      connection.reset();
      shared_->leave();
      return;
    }
    if (const int failed = start(connection.get()); failed != 0) {
      shared_->refuse(connection->stream, listener);
      connection.reset();
      shared_->leave();
      pause(Error::from_errno("no thread", failed).text());
      return;
    }
    (void)connection.release();  // the thread's now
  }

  int start(Connection* connection) {
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstacksize(&attributes, kStack);
    pthread_t thread{};
    const int failed = ::pthread_create(&thread, &attributes, net::run, connection);
    ::pthread_attr_destroy(&attributes);
    return failed;
  }

  void pause(const std::string& reason) {
    paused_.utter(reason, "");
    pollfd item{stop::descriptor(), POLLIN, 0};
    (void)::poll(&item, 1, kPauseMilliseconds);
  }

  std::vector<Listener> sockets_;
  std::shared_ptr<Shared> shared_;
  std::string connection_refusal_;
  Complaint refused_{"connection refused"};
  Complaint paused_{"accepting paused"};
};

}  // namespace

bool crowded() {
  return is_crowded;
}

Stream take_connection(Listener& connection) {
  Peer peer = peer_of(connection.socket.get());
  return {std::move(connection.socket), std::move(connection.output), std::move(peer)};
}

Result<void> serve(std::vector<Listener> listeners, const ServeLimits& limits, const Handler& handler,
                   const Refusal& refusal, bool announce) {
  ::mallopt(M_ARENA_MAX, kArenas);
  const std::size_t most = std::min(limits.connections, raise_descriptor_limit(kDescriptorsEach));
  for (const Listener& listener : listeners) {
    // An inherited one may block, and a connection that ends between poll and accept would hold us there.
    const int flags = ::fcntl(listener.socket.get(), F_GETFL);
    if (flags < 0 || ::fcntl(listener.socket.get(), F_SETFL, flags | O_NONBLOCK) < 0) {
      return Error::from_errno("cannot use the listening socket at " + listener.address);
    }
    if (!announce) continue;
    const std::string line = "listening " + listener.protocol + " " + listener.address + "\n";
    (void)write_all(STDOUT_FILENO, as_bytes(line), "standard output");
  }
  auto shared = std::make_shared<Shared>(limits, most, handler, refusal);
  Result<void> ended;
  {
    Acceptor acceptor(std::move(listeners), shared);
    notify("READY=1");
    ended = acceptor.run();
  }  // the listeners are closed: from here on the system refuses
  notify("STOPPING=1");
  std::unique_lock lock(shared->mutex);
  const auto none_left = [&] { return shared->count == 0; };
  if (!shared->ended.wait_for(lock, limits.grace, none_left)) {
    // They use what the caller owns, so it must not go away under them.
    log::warning("connections left behind", {{"count", shared->count}});
    ::_exit(0);
  }
  const auto last = std::exchange(shared->last, std::nullopt);
  lock.unlock();
  if (last) ::pthread_join(*last, nullptr);
  return ended;
}

}  // namespace gw::net

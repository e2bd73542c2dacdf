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
// Sanitizers need larger stack frames.
constexpr std::size_t kStack = 2 << 20;
#else
// A thousand connections must fit into memory. Code that needs more stack (getaddrinfo) runs
// elsewhere.
constexpr std::size_t kStack = 256 << 10;
#endif
constexpr int kPauseMilliseconds = 100;
// By default malloc creates up to eight arenas per core, each of which keeps freed memory.
constexpr int kArenas = 4;
constexpr std::size_t kDescriptorsEach = 3;  // the connection, one to the keeper, and one to spare
constexpr std::size_t kScarceShare = 10;     // divides per_source while connections are scarce
constexpr std::chrono::seconds kBetweenComplaints{10};

std::atomic<bool> is_crowded{false};

// State that the acceptor shares with the threads of the connections. Each Connection holds a
// shared_ptr, so a thread that outlives serve() still has it.
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
  std::vector<Listener> listeners;  // without their sockets: what a handler sees
  std::mutex mutex;
  std::condition_variable ended;
  std::size_t count = 0;
  std::optional<pthread_t> last;  // the thread that ended last and is not joined yet

  bool counted(const std::string& address) const {
    if (address.empty() || address == "unix") return false;
    return !limits.exempt || !limits.exempt(address);
  }
  bool from_balancer(const std::string& address) const { return limits.balancer && limits.balancer(address); }
  // Called without `mutex`; is_crowded is atomic for that reason.
  bool enter(const std::string& source) {
    const bool share = is_crowded && limits.per_source < most;
    return sources.enter(
        source, share ? std::max<std::size_t>(1, limits.per_source / kScarceShare) : limits.per_source);
  }
  // The timeout is 0: a peer over the limits gets as much of the reply as fits into the send
  // buffer, and never blocks this thread.
  void refuse(Stream& stream, const Listener& listener) const {
    if (listener.implicit_tls || !refusal) return;
    const std::string text = refusal(listener);
    stream.set_timeout(std::chrono::milliseconds(0));
    if (!text.empty()) (void)stream.write(as_bytes(text));
  }

  // Requires mutex. `by` is 1 or -1.
  void change_count(int by) {
    count += static_cast<std::size_t>(by);
    is_crowded = count * 5 >= most * 4;
  }

  // For a connection that never got a thread.
  void leave() {
    const std::scoped_lock lock(mutex);
    change_count(-1);
    ended.notify_all();
  }

  // Called at the end of a connection's thread. Each ending thread joins its predecessor and leaves
  // itself to be joined; serve() joins the last one. Detached threads would be simpler, but then
  // destructors of thread-local objects (OpenSSL frees its per-thread state) could run while main
  // is already tearing down the process.
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

// Everything that a connection's thread owns. The destructor frees the place of its source before
// the socket is closed, because closing may wait for a second.
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

// Reads the PROXY header. The limit by source is applied to the client in it only now. Returns
// false if the connection is not to be served.
bool introduce(Connection& connection) {
  Shared& shared = *connection.shared;
  const std::string balancer = connection.stream.peer().address;
  const Result<void> read = read_proxy_header(connection.stream, shared.limits.proxy_timeout);
  if (!read) {
    // Health checks of balancers connect and close without a byte, every few seconds. They are not
    // logged.
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
    // One connection that runs out of memory must not end the others.
  } catch (const std::exception& trouble) {
    log::error("connection ended", {{"reason", trouble.what()}});
  }
  connection.reset();
  shared->leave_thread();
  return nullptr;
}

// Logs a kind of event at most once in ten seconds, with the number of times it happened, because a
// flood of connections can cause thousands.
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
    // The stop descriptor is among the polled ones, so a stop request ends the wait immediately.
    while (!stop::requested()) {
      if (::poll(items.data(), items.size(), -1) < 0) {
        const int failed = errno;
        if (failed == EINTR) continue;
        const Error error = Error::from_errno("cannot wait for connections", failed);
        // The kernel lacks memory now. Ending would cut every session, and perhaps no service
        // manager starts the server again.
        if (failed != ENOMEM && failed != EAGAIN) return error;
        pause(error.text());
        continue;
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
      // These four mean that the process or the system has run out of something, and a loop without
      // pause would burn a core. All other errors belong to the one connection, which has ended
      // before it was accepted (accept(2) lists a dozen); they are not logged.
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
      // The connection is counted before the check, so that a refused one that is still open counts
      // too.
      const std::scoped_lock lock(shared_->mutex);
      shared_->change_count(1);
      if (shared_->count > shared_->most) connection_refusal_ = "too many connections";
    }
    // A balancer's own address says nothing about the client; introduce() counts that later.
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
      pause(Error::from_errno("cannot start a thread", failed).text());
      return;
    }
    (void)connection.release();  // owned by the thread from here on
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
    // A connection can be reset between poll and accept. On a blocking socket, as systemd may pass
    // it, accept would then wait for the next client and ignore the stop request.
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
  }  // the listeners are closed here, so the kernel refuses new connections
  notify("STOPPING=1");
  std::unique_lock lock(shared->mutex);
  const auto none_left = [&] { return shared->count == 0; };
  // The handlers use objects that the caller owns. Returning would destroy these while threads
  // still use them, so the process ends here, without destructors.
  if (!shared->ended.wait_for(lock, limits.grace, none_left)) {
    log::warning("connections aborted", {{"count", shared->count}});
    ::_exit(0);
  }
  const auto last = std::exchange(shared->last, std::nullopt);
  lock.unlock();
  if (last) ::pthread_join(*last, nullptr);
  return ended;
}

}  // namespace gw::net

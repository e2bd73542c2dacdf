#include "keeper/server/server.h"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <new>
#include <optional>
#include <system_error>
#include <thread>

#include "base/log.h"
#include "base/secret.h"

namespace gw::keeper {
namespace {

using namespace std::chrono_literals;

// A stack for each connection, of which there may be a thousand: the usual 8 MiB would be too much
// address space. The frames of sanitizers are larger.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kStack = 2 << 20;
#else
constexpr std::size_t kStack = 256 << 10;
#endif
// When the server ends, a connection may take this long to serve the requests that have arrived.
constexpr std::chrono::seconds kGrace{20};

}  // namespace

struct Server::Served {
  Served(Server& its_server, Fd connection, Role role)
      : server(its_server), session(its_server.shared_, std::move(connection), role) {}
  Server& server;
  Session session;
  // Its position in served_, so that it can remove itself.
  std::list<Served*>::iterator place;
  pthread_t thread{};
};

Server::Server(store::Store& store, ServerOptions options)
    : shared_{store, options.vault, {}, options.failed, {}, {}, {}, [this] { stop(); }},
      options_(options),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      idle_since_(Clock::now()) {
  random_bytes(shared_.incarnation);
  if (auto changes = ChangeCounter::make())
    shared_.changes = std::move(*changes);
  else
    // Only the clients' cache depends on it.
    log::warning("change counter unavailable", {{"error", changes.error().text()}});
}

Server::~Server() {
  end_connections();
}

void Server::stop() {
  stopping_ = true;
  wake();
}

void Server::wake() {
  const std::uint64_t one = 1;
  // write(2) is allowed in a signal handler. It fails only if the counter is full, and then poll(2)
  // wakes up anyway.
  static_cast<void>(!::write(wake_.get(), &one, sizeof one));
}

std::size_t Server::connections() const {
  const std::lock_guard lock(mutex_);
  return served_.size();
}

bool Server::adopt(Fd connection, Role role) {
  join_finished();
  // The session is created before the limit is checked, because a client that is refused gets a
  // hello that says why, in place of a closed connection that it would take for an ending keeper.
  std::string refusal = "the keeper has too many connections";
  auto served = std::make_unique<Served>(*this, std::move(connection), role);
  {
    const std::lock_guard lock(mutex_);
    if (served_.size() < options_.connections) {
      pthread_attr_t attributes;
      ::pthread_attr_init(&attributes);
      ::pthread_attr_setstacksize(&attributes, kStack);
      // Inserted before the thread starts, and with the mutex held: the thread may end immediately,
      // and then removes itself.
      served->place = served_.insert(served_.end(), served.get());
      const int failed = ::pthread_create(&served->thread, &attributes, &Server::serve, served.get());
      ::pthread_attr_destroy(&attributes);
      if (failed == 0) {
        static_cast<void>(served.release());
        return true;
      }
      served_.erase(served->place);
      refusal = Error::from_errno("cannot start a thread", failed).text();
    }
  }
  // Without the mutex, because sending may block.
  served->session.refuse(Error(Code::Busy, refusal));
  return false;
}

void* Server::serve(void* argument) {
  std::unique_ptr<Served> served(static_cast<Served*>(argument));
  Server& server = served->server;
  served->session.run();
  const std::lock_guard lock(server.mutex_);
  server.served_.erase(served->place);
  // The list of sessions and finished_ change together, so that end_connections() never sees an
  // empty list while a thread is not yet in finished_.
  server.finished_.push_back(served->thread);
  // Close the socket before other threads can see that the connection has ended: after
  // end_connections() a client must not find it open.
  served.reset();
  if (server.served_.empty()) {
    // The last one: run() has to compute its time to exit.
    server.idle_since_ = Clock::now();
    server.wake();
  }
  server.changed_.notify_all();
  return nullptr;
}

void Server::join_finished() {
  std::vector<pthread_t> finished;
  {
    const std::lock_guard lock(mutex_);
    finished.swap(finished_);
  }
  for (const pthread_t thread : finished) ::pthread_join(thread, nullptr);
}

void Server::accept_from(const RoleListener& listener) {
  Fd connection(::accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (connection) {
    try {
      adopt(std::move(connection), listener.role);
      // One connection is lost, and not the keeper with all others.
    } catch (const std::bad_alloc&) {
      log::error("out of memory for a connection", {{"socket", name(listener.role)}});
    }
    // E.g. EMFILE. The connection stays in the queue and poll(2) reports it immediately, so pause
    // instead of spinning.
  } else if (errno != EINTR && errno != ECONNABORTED && errno != EAGAIN && errno != EWOULDBLOCK) {
    log::warning("accept failed",
                 {{"socket", name(listener.role)}, {"error", Error::from_errno("accept").text()}});
    std::this_thread::sleep_for(100ms);
  }
}

int Server::wait_time() const {
  if (options_.idle_exit <= 0s) return -1;
  const std::lock_guard lock(mutex_);
  if (!served_.empty()) return -1;
  // The sweeper does not wake this thread. Look again in a second whether it is done.
  if (sweeping_) return 1000;
  const auto wait =
      std::chrono::ceil<std::chrono::milliseconds>(idle_since_ + options_.idle_exit - Clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(wait.count(), 0, 60'000));
}

bool Server::idle_for_long() const {
  if (options_.idle_exit <= 0s) return false;
  const std::lock_guard lock(mutex_);
  return served_.empty() && !sweeping_ && Clock::now() - idle_since_ >= options_.idle_exit;
}

void Server::sweep_now_and_then() {
  // The first sweep comes soon, since messages may be due already.
  Clock::duration pause = std::min<Clock::duration>(options_.sweep_every, 2s);
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (changed_.wait_for(lock, pause, [&] { return sweeper_ends_; })) return;
    }
    // Messages that could not be marked when their session ended, e.g. because the vault was
    // suspended.
    mark_unconfirmed(shared_.store, shared_.pending, shared_.pending.take_left());
    auto swept = shared_.store.sweep(options_.sweep_budget, false);
    const bool more = swept && swept->more;
    // A sweep has a budget, so that it does not delay commits for long. The pause lets them
    // through.
    pause = more ? 50ms : Clock::duration(options_.sweep_every);
    // serve.cc tells malloc to keep freed memory. Return what a busy time has left to the system
    // once a minute.
    if (!more) ::malloc_trim(0);
    if (!swept) log::verbose("sweep failed", {{"error", swept.error().text()}});
    if (swept && swept->expired > 0) {
      log::info("swept", {{"messages", swept->expired}, {"bytes", swept->size}});
    }
    const std::lock_guard lock(mutex_);
    sweeping_ = more;
  }
}

Result<void> Server::run(std::vector<RoleListener> listeners) {
  std::vector<pollfd> polled;
  for (const RoleListener& listener : listeners) {
    // The listeners must not block: a client may disappear between poll(2) and accept(2), and with
    // several processes on an inherited socket another one may have accepted it.
    ::fcntl(listener.socket.get(), F_SETFL, ::fcntl(listener.socket.get(), F_GETFL) | O_NONBLOCK);
    polled.push_back({listener.socket.get(), POLLIN, 0});
  }
  polled.push_back({options_.stop, POLLIN, 0});
  polled.push_back({wake_.get(), POLLIN, 0});
  {
    const std::lock_guard lock(mutex_);
    idle_since_ = Clock::now();
    sweeper_ends_ = false;
  }
  // The sweeper's thread ends when run() does, also if an exception ends it: the destructor of a
  // joinable std::thread would terminate the process.
  struct Sweeper {
    explicit Sweeper(Server& its_server)
        : server(its_server), thread([this] { server.sweep_now_and_then(); }) {}
    ~Sweeper() {
      {
        const std::lock_guard lock(server.mutex_);
        server.sweeper_ends_ = true;
        server.changed_.notify_all();
      }
      thread.join();
    }
    Server& server;
    std::thread thread;
  };
  std::optional<Sweeper> sweeper;
  try {
    sweeper.emplace(*this);
  } catch (const std::system_error& error) {
    return Error(Code::Busy, std::string("cannot start a thread: ") + error.what());
  }
  Result<void> result;
  // A failed store also requests the stop. It is looked at here too, because a keeper that missed the
  // request would close every connection without a reply, and prevent that the next one starts.
  while (!stopping_ && !(options_.failed != nullptr && *options_.failed)) {
    const int ready = ::poll(polled.data(), polled.size(), wait_time());
    if (ready < 0 && errno != EINTR) {
      result = Error::from_errno("poll");
      break;
    }
    // Empty the eventfd, or poll(2) would return immediately ever after.
    if (polled.back().revents != 0) {
      std::uint64_t count = 0;
      static_cast<void>(!::read(wake_.get(), &count, sizeof count));
    }
    // The descriptor in options_.stop. It is never read, so it stays readable for other users of
    // it.
    if (polled[listeners.size()].revents != 0) break;
    for (std::size_t at = 0; ready > 0 && at < listeners.size(); ++at) {
      if (polled[at].revents != 0) accept_from(listeners[at]);
    }
    join_finished();
    // Exit only after a poll that found nothing. Otherwise a client may be in the queue, and would
    // have to dial again.
    if (ready == 0 && idle_for_long()) break;
  }
  // Unlink the sockets first, then close them, then end the connections. New clients find no socket
  // and start the next keeper, which waits for the vault lock, while requests that have arrived
  // here are still served. A client in the queue of a closed listener sees the end of its
  // connection and dials again.
  for (const RoleListener& listener : listeners) {
    if (!listener.path.empty()) ::unlink(listener.path.c_str());
  }
  listeners.clear();
  // Before the connections end: the sweeper uses the store, and is the other user of changed_.
  sweeper.reset();
  end_connections();
  return result;
}

void Server::end_connections() {
  // The next keeper does not increment this counter. Once more, so that no client trusts its cache
  // after this keeper has ended.
  if (shared_.changes) shared_.changes->grow();
  {
    std::unique_lock lock(mutex_);
    for (Served* served : served_) served->session.hang_up();
    // First let sessions serve what has arrived. A client that does not read its reply must not
    // keep the keeper alive, so cut the connections after kGrace. Threads in the store cannot be
    // interrupted, and the second wait is for them.
    if (!changed_.wait_for(lock, kGrace, [&] { return served_.empty(); })) {
      for (Served* served : served_) served->session.cut();
      changed_.wait(lock, [&] { return served_.empty(); });
    }
  }
  join_finished();
}

}  // namespace gw::keeper

// The keeper's side of its sockets: accepts, and serves each connection on a thread of its own.
//
//   Server server(store, options);
//   server.run(std::move(listeners));   // until it is asked to stop, or has been idle for long enough
//
// It knows nothing of disks and processes: any Store will do. Once a minute it sweeps.
#pragma once

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "keeper/server/session.h"
#include "keeper/start.h"
#include "store/store.h"

namespace gw::keeper {

struct RoleListener {
  Fd socket;  // listening
  Role role{};
  std::string path;  // removed at the end; empty: the service manager's
};

struct ServerOptions {
  VaultId vault;
  std::chrono::milliseconds idle_exit{0};  // 0: never
  std::chrono::milliseconds sweep_every{60'000};
  std::size_t sweep_budget = 2000;  // messages in one go, then others have their turn
  std::size_t connections = 1000;   // more are told to come again
  // Set once the store has failed: no request is answered any more, for what the disk holds only the next
  // keeper will know.
  const std::atomic<bool>* failed = nullptr;
  int stop = -1;  // a descriptor that is readable once the process is to end
};

class Server {
 public:
  Server(store::Store& store, ServerOptions options);
  ~Server();  // ends all connections and waits for them

  // Accepts until stop(), or until there was no connection for idle_exit and nothing to sweep. Then own
  // sockets are removed, requests that had arrived are served, and all connections end. Whoever had connected
  // and was not greeted sees the end before the hello, and tries again.
  Result<void> run(std::vector<RoleListener> listeners);
  void stop();  // from any thread, and from a signal handler

  // Serves a connection that exists already. False: too many, or no thread; it was told so and closed.
  bool adopt(Fd connection, Role role);
  std::size_t connections() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Served;  // a connection and its place in the list

  static void* serve(void* served);
  void accept_from(const RoleListener& listener);
  int wait_time() const;
  bool idle_for_long() const;
  void sweep_now_and_then();
  void join_finished();
  void end_connections();
  void wake();

  Shared shared_;
  ServerOptions options_;
  Fd wake_;  // an eventfd: stop() was called, or the last connection ended
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  std::condition_variable changed_;  // a connection ended, or the sweeper is to end
  std::list<Served*> served_;
  std::vector<pthread_t> finished_;  // to be joined
  Clock::time_point idle_since_;
  bool sweeping_ = false;  // there is more to sweep
  bool sweeper_ends_ = false;
};

}  // namespace gw::keeper

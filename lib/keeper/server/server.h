// The keeper's server: accepts connections, and serves each on its own thread.
//
//   Server server(store, options);
//   server.run(std::move(listeners));   // until stop(), or idle for options.idle_exit
//
// It works with any Store and knows nothing of disks or of the keeper's process; cmd/store/serve.cc
// does that. Another thread sweeps once a minute.
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
  // Unlinked when the server ends; empty if a service manager owns the socket.
  std::string path;
};

// Configuration of a server.
struct ServerOptions {
  VaultId vault;
  std::chrono::milliseconds idle_exit{0};  // run() returns after so long without a connection; 0: never
  std::chrono::milliseconds sweep_every{60'000};  // pause between two sweeps
  std::size_t sweep_budget = 2000;                // messages of one sweep; then other operations get a chance
  std::size_t connections = 1000;                 // further ones are refused with Busy
  // Becomes true once a write or sync of the store has failed. Sessions then reply to nothing more:
  // only the next keeper, which reads the disk, can know what has been stored. May be null.
  const std::atomic<bool>* failed = nullptr;
  // A descriptor that becomes readable when the process is to end (signals), or -1.
  int stop = -1;
};

// `store` must outlive the server.
class Server {
 public:
  Server(store::Store& store, ServerOptions options);
  // Ends all connections and waits for their threads.
  ~Server();

  // Accepts connections until stop() is called, or until there was no connection for idle_exit and
  // nothing to sweep. Then unlinks its own sockets, lets sessions serve the requests that have
  // arrived, and ends all connections. A client that has connected but received no hello sees the
  // connection close before the hello, and dials again (Pool). Fails with Busy if no thread can be
  // created.
  Result<void> run(std::vector<RoleListener> listeners);
  // Causes run() to return. Safe to call from any thread and from a signal handler.
  void stop();

  // Serves an open connection on its own thread. Returns false if there are too many connections or
  // no thread can be created; the client has then been told so, and the connection is closed.
  bool adopt(Fd connection, Role role);
  // Returns how many connections are open.
  std::size_t connections() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Served;  // a connection and its place in the list

  // The main function of a connection's thread.
  static void* serve(void* served);
  void accept_from(const RoleListener& listener);
  // Returns how long poll() may wait, in milliseconds; -1 without limit.
  int wait_time() const;
  bool idle_for_long() const;
  // The main function of the sweeper's thread.
  void sweep_now_and_then();
  // Joins threads of connections that have ended; a thread cannot join itself.
  void join_finished();
  void end_connections();
  void wake();

  Shared shared_;
  ServerOptions options_;
  Fd wake_;  // an eventfd, written by stop() and when the last connection has ended
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  std::condition_variable changed_;  // a connection has ended, or the sweeper has to
  std::list<Served*> served_;
  std::vector<pthread_t> finished_;  // threads to be joined
  Clock::time_point idle_since_;
  bool sweeping_ = false;  // the last sweep used its budget: more is left, do not exit
  bool sweeper_ends_ = false;
};

}  // namespace gw::keeper

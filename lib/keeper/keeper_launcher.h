// Starts the keeper on behalf of a process whose sandbox will soon forbid it to execute programs
// (sandbox/sandbox.h).
//
// make() forks a child while that is still allowed. The child closes all descriptors of its parent
// and waits for requests. On each request it does what connect() does to have a keeper. It ends
// with its parent. It has a copy of the parent's memory, so create it before the parent reads any
// key or password.
#pragma once

#include <functional>
#include <memory>
#include <mutex>

#include "base/fd.h"
#include "base/result.h"
#include "keeper/start.h"

namespace gw::keeper {

// Returns whether a process of this user may start the keeper of this vault (gw-keeper(7), "Who
// starts it"): only the vault's owner and root may, and not under a service manager. Returns true
// if the vault does not exist, because it may be mounted later; ownership is checked again at each
// start.
bool may_start(const Place& place, uid_t user);

class KeeperLauncher {
 public:
  // Forks the child, which calls `before` first, e.g. to become another user; if that fails, each
  // start() fails with its error. Call it while the process has one thread, because fork() copies
  // locks that other threads hold.
  static Result<std::shared_ptr<KeeperLauncher>> make(const Place& place,
                                                      const std::function<Result<void>()>& before);

  // Returns when a keeper listens. Waits at most 30 s; after a timeout, all later calls fail.
  // Thread-safe: calls are served one after the other.
  Reached<void> start();

 private:
  explicit KeeperLauncher(Fd channel) : channel_(std::move(channel)) {}

  Fd channel_;
  std::mutex mutex_;
};

}  // namespace gw::keeper

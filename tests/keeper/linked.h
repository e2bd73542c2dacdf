// A client of the keeper and its server in one process, over socket pairs, with any Store behind.
#pragma once

#include <sys/socket.h>

#include <memory>

#include "keeper/remote_store.h"
#include "keeper/server/server.h"
#include "support/memory_store.h"

namespace gw::keeper::test {

// Returns connected sockets whose other ends the server serves.
struct Link {
  explicit Link(std::unique_ptr<store::Store> its_store, ServerOptions options = {})
      : store(std::move(its_store)), server(std::make_unique<Server>(*store, options)) {}

  Result<Fd> dial(Role role) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      return Error::from_errno("socketpair");
    Fd ours(ends[0]);
    Fd theirs(ends[1]);
    const std::shared_ptr<Server> serving = current();
    if (!serving) return Error(Code::Unavailable, "no keeper");
    serving->adopt(std::move(theirs), role);
    return ours;
  }
  std::unique_ptr<store::Store> connect(Role role = Role::Admin) {
    auto remote = make_remote_store({[this, role] { return dial(role); }, "test"});
    return remote ? std::move(*remote) : nullptr;
  }
  // As if the keeper had ended, and perhaps another one had started.
  void end() {
    std::shared_ptr<Server> ending;
    const std::lock_guard lock(mutex);
    ending.swap(server);
  }
  void start_again() {
    const std::lock_guard lock(mutex);
    server = std::make_shared<Server>(*store, ServerOptions{});
  }
  std::shared_ptr<Server> current() {
    const std::lock_guard lock(mutex);
    return server;
  }

  std::mutex mutex;
  std::unique_ptr<store::Store> store;
  std::shared_ptr<Server> server;
};

}  // namespace gw::keeper::test

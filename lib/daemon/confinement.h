// Drops the privileges that a server does not need to serve connections: root, capabilities, file
// system access and most system calls.
//
//   auto confinement = Confinement::begin(settings, place);   // before keys are read
//   ...                                                       // open sockets, read keys
//   confinement->close();                                     // before the first connection
//
// A server that root has started continues as one of these users:
//   - the user of --user, if it is set;
//   - the owner of the vault, if the keeper's sockets are inside the vault's directory, because no
//     other user can connect to those sockets;
//   - the server's own account (`own_user`) otherwise.
// A server therefore stays root only if root owns the vault, and then without root's capabilities.
// A server that another user has started keeps that user.
//
// The manual pages describe the result under "Confinement", for example in gw-proxy(8).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "keeper/keeper_launcher.h"
#include "keeper/start.h"
#include "sandbox/identity.h"
#include "sandbox/sandbox.h"

namespace gw::daemon {

struct ConfinementSettings {
  std::string user;      // --user; empty: apply the rule above
  std::string own_user;  // account of the server in a system installation: `gw-receive`
  sandbox::Mode sandbox = sandbox::Mode::Auto;
  sandbox::Needs needs;  // what the server may still do inside the sandbox
};

// Copies share the child process that starts the keeper. Not thread safe: the process has one
// thread while it confines itself.
class Confinement {
 public:
  // Chooses the user and, if a keeper may have to be started later, forks the child process that
  // can still start it after close(). Call this before the process holds keys, so that the child
  // has none. Fails with Config if root has started the server and there is no user to continue as,
  // and with Denied if this process cannot become the user of --user.
  static Result<Confinement> begin(ConfinementSettings settings, const keeper::Place& place);

  // Returns whether close() changes the user. If it does, files that only root can read must be
  // read before.
  bool changes_user() const { return user_.has_value(); }
  // Returns the function for keeper::Connect::start, which starts the keeper through the child of
  // begin(). Null if begin() made no child, because this process can start the keeper itself or
  // must never start it.
  std::function<keeper::Reached<void>()> starting() const;
  // Adds files and directories that stay readable in the sandbox, besides `needs.readable`. Has no
  // effect after close().
  void also_readable(std::vector<std::string> paths);

  // Changes to the chosen user and sets no_new_privs (prctl(2)). Calling it again is harmless.
  Result<void> become() const;
  // Calls become() and then enters the sandbox (sandbox/sandbox.h). Neither step can be undone.
  // Call it while the process has a single thread: threads that exist already would stay outside
  // the sandbox. Fails with Config if --sandbox is `require` and the kernel lacks Landlock or
  // seccomp.
  Result<void> close() const;

 private:
  ConfinementSettings settings_;
  std::optional<sandbox::Identity> user_;            // nullopt: keep the current user
  std::shared_ptr<keeper::KeeperLauncher> starter_;  // null: no keeper has to be started
};

}  // namespace gw::daemon

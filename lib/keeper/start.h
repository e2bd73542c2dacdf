// Finding the keeper of a vault, and starting it if there is none.
//
// The keeper is the process that owns the vault's files. It listens on RUN/append, RUN/drain and
// RUN/admin, one socket for each right; RUN is `run` in gw.toml, else $GW_RUN, else /run/gw for the
// system vault /var/lib/gw, else VAULT/run. For a vault that is not managed by systemd, the first
// tool that needs the keeper starts it, and the keeper exits after a minute without a client.
// gw-keeper(7) says which processes may do that.
//
//   auto store = keeper::connect(keeper::place_of("/srv/gw", ""),
//                                {.role = Role::Drain, .tool = "gw-pop3d"});
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "keeper/reached.h"
#include "store/store.h"

namespace gw::keeper {

// The rights of a client, see server/operations.h. Each role has its own socket.
enum class Role : unsigned char { Append = 1, Drain = 2, Admin = 3 };
// Returns the file name of the role's socket: `append`, `drain` or `admin`.
std::string_view name(Role role);

// The location of a vault and of its keeper's sockets.
struct Place {
  std::string vault;  // absolute path of the vault
  std::string run;    // absolute path of the directory of the sockets
  // Path of gw-store, for starting the keeper. If empty, it is searched beside the running
  // executable, then in $PATH.
  std::string program;
};

// Returns where the vault's sockets are, by the rules above. `run` is the configured directory or
// empty. If the vault is on a file system that is mounted read-only, its sockets are in a directory
// below /tmp (scoped_fs_uid.h).
Place place_of(std::string vault, std::string run);

struct Connect {
  Role role = Role::Append;
  // Names this client in histories and in the keeper's log, e.g. `gw-smtpd`.
  std::string tool;
  bool may_start = true;  // whether to start a keeper if there is none
  // Starts the keeper on behalf of a process whose sandbox forbids it (keeper_launcher.h). If null, the
  // process starts it itself.
  std::function<Reached<void>()> start{};
};

// Returns when a keeper of this vault listens; starts one if there is none.
Reached<void> ensure(const Place& place);

// Returns a Store that speaks to the keeper over a few connections, which it opens as needed
// (remote_store.h). Fails if the keeper cannot be reached now. A later operation that finds no
// keeper looks for one, and starts it, again. Anything that keeps this process from reaching the
// keeper is Unavailable (reached.h), with the exit status of its cause.
Result<std::unique_ptr<store::Store>> connect(const Place& place, const Connect& how);

}  // namespace gw::keeper

// Reaching the keeper: the process that owns the vault.
//
// Sockets are RUN/append, RUN/drain and RUN/admin, one for each right; RUN is `run` in gw.toml, $GW_RUN,
// /run/gw for the system vault, else VAULT/run. In a vault of one's own the keeper is started by the tool
// that needs it first (vault.md section 4 says who may); it exits when idle.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "keeper/reached.h"
#include "store/store.h"

namespace gw::keeper {

enum class Role : unsigned char { Append = 1, Drain = 2, Admin = 3 };
std::string_view name(Role role);  // `append`: the socket's file name

struct Place {
  std::string vault;    // folder
  std::string run;      // folder of the sockets
  std::string program;  // gw-store, for starting the keeper; empty: beside this executable, else in $PATH
};

// Where a vault's sockets are, by the rules above. `run` is the configured one, or empty. A vault of one's
// own on a file system that is mounted read-only has them in a directory below /tmp (as_owner.h).
Place place_of(std::string vault, std::string run);

struct Connect {
  Role role = Role::Append;
  std::string tool;  // what this client says it is, for actors: `gw-smtpd`
  bool may_start = true;
  std::function<Reached<void>()> start{};  // starts it for a process that cannot do so itself (starter.h)
};

// Returns when a keeper of this vault listens; starts one if there is none.
Reached<void> ensure(const Place& place);

// A Store that speaks to the keeper over a few connections, which it makes as needed. Fails if no keeper
// answers now; later each operation that finds the keeper gone looks for it, and starts it, again. Whatever
// keeps this process from the keeper is Unavailable (reached.h); the exit status is that of the cause.
Result<std::unique_ptr<store::Store>> connect(const Place& place, const Connect& how);

}  // namespace gw::keeper

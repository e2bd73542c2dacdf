#include "keeper/start.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <thread>

#include "base/clock.h"
#include "base/fd.h"
#include "keeper/remote_store.h"
#include "keeper/scoped_fs_uid.h"
#include "keeper/sockets.h"
#include "keeper/spawn.h"
#include "store/vault_format.h"

namespace gw::keeper {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kSystemVault = "/var/lib/gw";
constexpr std::string_view kSystemRun = "/run/gw";
// A process that holds the lock waits for its keeper for at most kReadyWait (spawn.h), so this is
// longer.
constexpr auto kLockWait = 15s;

bool is_system(const Place& place) {
  return place.run == kSystemRun;
}

std::string gw_store(const Place& place) {
  return place.vault == kSystemVault ? "gw-store" : "gw-store --vault " + place.vault;
}

Unreached not_there(const Place& place, const std::string& why) {
  return Unreached("cannot reach the keeper: " + why,
                   is_system(place) ? "systemctl start gw.target" : gw_store(place) + " serve");
}

// The most common mistake of a new user, so the hint is how to create one.
Error no_vault(const Place& place, std::string_view why) {
  return Error(Code::NotFound, "there is no vault in " + place.vault + std::string(why))
      .with_hint(gw_store(place) + " init");
}

// In a shared run directory each socket has a group of its own, whose members may connect (the
// socket units, and `gw-store serve`). A private one is for the vault's owner alone.
Unreached not_permitted(const Place& place, const std::string& socket, const Error& why) {
  const std::string text = "cannot reach the keeper: " + why.text();
  const std::string group = "gw-" + socket;
  const int status = exit_status(Code::Denied);
  if (is_private(place))
    return Unreached(text + ": the vault belongs to another user",
                     "run this as the user who owns " + place.vault, status);
  return Unreached(text + ": you are neither root nor in the group " + group,
                   "sudo usermod -aG " + group + " $USER", status);
}

bool under_service_manager() {
  // systemd sets it for each unit. A service must not start a keeper: it would run in the service's
  // cgroup and sandbox, and be killed with the service. There the socket units start it.
  return std::getenv("INVOCATION_ID") != nullptr;
}

// Locks RUN/start.lock. It is held until the new keeper listens, so that of twenty tools which find
// no keeper only one starts it and the others find it.
Reached<Fd> take_start_lock(const Place& place, const Owner& owner) {
  if (auto made = make_run_folder(place, owner); !made) return made.error();
  const std::string path = place.run + "/start.lock";
  Fd lock;
  {
    const ScopedFsUid as_owner(owner);
    // O_NOFOLLOW: RUN may belong to another user than root, who could have created a symbolic link
    // of this name.
    lock = Fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock) return Error::from_errno(path);
  }
  const BootClock::time_point until = BootClock::now() + kLockWait;
  // By polling, since flock(2) cannot wait with a time limit.
  while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return Error::from_errno(path);
    if (BootClock::now() > until) return Unreached(path + ": timed out waiting for the lock");
    std::this_thread::sleep_for(5ms);
  }
  return lock;
}

// Returns the connected socket, or nullopt if no process listens there. Any other error, e.g. of
// permissions, means that there is a keeper which this process may not reach, and that starting
// another one would be wrong.
Reached<std::optional<Fd>> try_socket(const Place& place, const std::string& socket) {
  auto connected = connect_to(place.run, socket);
  if (connected) return std::optional(std::move(*connected));
  if (connected.error().code() == Code::NotFound) return std::optional<Fd>();
  if (connected.error().code() == Code::Denied) return not_permitted(place, socket, connected.error());
  return not_there(place, connected.error().text());
}

Reached<Fd> start_and_connect(const Place& place, const std::string& socket) {
  struct stat vault {};
  if (::stat(place.vault.c_str(), &vault) != 0) {
    const Error cannot = Error::from_errno(place.vault);
    if (cannot.code() == Code::Denied) return not_permitted(place, socket, cannot);
    if (cannot.code() != Code::NotFound) return not_there(place, cannot.text());
    return no_vault(place, ": the directory does not exist");
  }
  const Owner owner{vault.st_uid, vault.st_gid};
  // Only the owner and root can open the vault's files; any other user's keeper would fail later,
  // with a worse error.
  if (::geteuid() != owner.uid && ::geteuid() != 0)
    return not_there(place, is_system(place) ? "it is not running"
                                             : "it is not running, and the vault belongs to another user");
  // Before anything is written: the directory of a mistyped --vault stays as it is, and so does a
  // vault that must be salvaged, or that a migration has not completed.
  if (const auto format = store::read_format(place.vault); !format) {
    if (format.error().code() == Code::NotFound) return no_vault(place, "");
    if (format.error().code() == Code::Corrupt || format.error().code() == Code::Config)
      return format.error().within("cannot open the vault");
  }
  if (under_service_manager())
    return not_there(place, "it is not running, and a service manager must start it");

  const auto lock = take_start_lock(place, owner);
  // Only root can write in the system's /run/gw, and there the socket units start the keeper.
  if (!lock && is_system(place) && lock.error().exit_status() == exit_status(Code::Denied))
    return not_there(place, "it is not running");
  if (!lock) return not_there(place, lock.error().text());
  // Another tool may have started the keeper while this one waited for the lock.
  if (auto before = try_socket(place, socket); !before || *before)
    return before ? Reached<Fd>(std::move(**before)) : Reached<Fd>(before.error());
  const auto started = spawn_keeper(place);
  // Try even if this keeper did not start. Another one may be there: a tool that started it may
  // have been killed while it held the lock, and the lock was released before the keeper listened.
  auto connected = connect_to(place.run, socket);
  if (connected) return std::move(*connected);
  if (!started) return started.error();
  return not_there(place, connected.error().text());
}

Reached<Fd> reach(const Place& place, const Connect& how) {
  const std::string socket(name(how.role));
  if (auto there = try_socket(place, socket); !there || *there)
    return there ? Reached<Fd>(std::move(**there)) : Reached<Fd>(there.error());
  // After the socket, because a running keeper has the last word; before starting one, because a
  // keeper of a vault that has moved would refuse to open it with a less helpful error.
  if (const auto moved = store::moved_away(place.vault)) return *moved;
  if (!how.may_start)
    return not_there(
        place, is_system(place) ? "it is not running" : "no process listens on " + place.run + "/" + socket);
  if (!how.start) return start_and_connect(place, socket);
  if (auto started = how.start(); !started) return started.error();
  auto connected = connect_to(place.run, socket);
  if (!connected) return not_there(place, connected.error().text());
  return std::move(*connected);
}

}  // namespace

std::string_view name(Role role) {
  switch (role) {
    case Role::Append:
      return "append";
    case Role::Drain:
      return "drain";
    case Role::Admin:
      return "admin";
  }
  return "";
}

Place place_of(std::string vault, std::string run) {
  const auto absolute = [](const std::string& path) {
    std::error_code failed;
    std::filesystem::path whole = std::filesystem::absolute(path, failed).lexically_normal();
    if (!whole.has_filename() && whole.has_parent_path()) whole = whole.parent_path();
    return failed ? path : whole.string();
  };
  Place place;
  place.vault = absolute(vault);
  if (const char* from_environment = std::getenv("GW_RUN"); run.empty() && from_environment != nullptr) {
    run = from_environment;
  }
  // This path only, because the socket units for it listen in /run/gw.
  if (run.empty() && place.vault == kSystemVault) run = kSystemRun;
  // systemd may mount a file system read-only for a service (ProtectSystem=) that is writable for
  // the keeper. So a service must not conclude from its own view that the sockets are elsewhere.
  if (run.empty() && !under_service_manager()) run = stand_in(place.vault).value_or("");
  if (run.empty()) run = place.vault + "/run";
  place.run = absolute(run);
  return place;
}

Reached<void> ensure(const Place& place) {
  // The append socket, since every keeper has it.
  const Connect how;
  if (auto reached = reach(place, how); !reached) return reached.error();
  return {};
}

Result<std::unique_ptr<store::Store>> connect(const Place& place, const Connect& how) {
  return make_remote_store({[place, how] { return reach(place, how); }, how.tool});
}

}  // namespace gw::keeper

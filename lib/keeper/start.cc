#include "keeper/start.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/clock.h"
#include "base/fd.h"
#include "keeper/as_owner.h"
#include "keeper/remote_store.h"
#include "keeper/sockets.h"
#include "keeper/spawn.h"
#include "store/vault_format.h"

namespace gw::keeper {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kSystemVault = "/var/lib/gw";
constexpr std::string_view kSystemRun = "/run/gw";
constexpr std::string_view kHint = "start gw-store.socket, or run gw-store serve";
// Whoever holds the lock waits for its keeper at most kReadyWait (spawn.h).
constexpr auto kLockWait = 15s;

Error not_there(const std::string& why) {
  return Error(Code::Unavailable, "no keeper: " + why).with_hint(std::string(kHint));
}

bool under_service_manager() {
  return std::getenv("INVOCATION_ID") != nullptr;
}

// Held until the new keeper listens, so that of twenty tools one starts it.
Result<Fd> take_start_lock(const Place& place, const Owner& owner) {
  if (auto made = make_run_folder(place, owner); !made) return made.error();
  const std::string path = place.run + "/start.lock";
  Fd lock;
  {
    const AsOwner as_owner(owner);
    lock = Fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock) return Error::from_errno(path);
  }
  const BootClock::time_point until = BootClock::now() + kLockWait;
  while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return Error::from_errno(path);
    if (BootClock::now() > until) return Error(Code::Unavailable, path + ": held for too long");
    std::this_thread::sleep_for(5ms);
  }
  return lock;
}

Result<Fd> start_and_connect(const Place& place, const std::string& socket) {
  struct stat vault {};
  if (::stat(place.vault.c_str(), &vault) != 0) {
    if (errno != ENOENT) return not_there(Error::from_errno(place.vault).text());
    return Error::from_errno(place.vault).within("no vault").with_hint("make one with gw-store init");
  }
  const Owner owner{vault.st_uid, vault.st_gid};
  if (::geteuid() != owner.uid && ::geteuid() != 0) return not_there("the vault belongs to another user");
  if (under_service_manager()) return not_there("none is started under a service manager");

  auto lock = take_start_lock(place, owner);
  if (!lock) return not_there(lock.error().text());
  auto connected = connect_to(place.run, socket);
  if (connected || connected.error().code() != Code::NotFound) return connected;
  const auto started = spawn_keeper(place);
  connected = connect_to(place.run, socket);
  // Ours did not start, and yet there may be one: whose starter died while it was starting, and let the lock
  // go.
  if (!connected && !started) return started.error();
  return connected;
}

Result<Fd> reach(const Place& place, const Connect& how) {
  const std::string socket(name(how.role));
  auto connected = connect_to(place.run, socket);
  if (connected) return connected;
  if (connected.error().code() != Code::NotFound) return not_there(connected.error().text());
  if (const auto moved = store::moved_away(place.vault)) return *moved;
  if (!how.may_start) return not_there("nobody listens at " + place.run + "/" + socket);
  if (how.start) {
    if (auto started = how.start(); !started) return started.error();
    connected = connect_to(place.run, socket);
    return connected ? std::move(connected) : Result<Fd>(not_there(connected.error().text()));
  }
  connected = start_and_connect(place, socket);
  if (!connected && connected.error().number() != 0 && connected.error().hint().empty()) {
    return not_there(connected.error().text());
  }
  return connected;
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
  if (run.empty()) run = place.vault == kSystemVault ? std::string(kSystemRun) : place.vault + "/run";
  place.run = absolute(run);
  return place;
}

Result<void> ensure(const Place& place) {
  const Connect how;
  auto reached = reach(place, how);
  return reached ? Result<void>() : Result<void>(reached.error());
}

Result<std::unique_ptr<store::Store>> connect(const Place& place, const Connect& how) {
  return make_remote_store({[place, how] { return reach(place, how); }, how.tool});
}

}  // namespace gw::keeper

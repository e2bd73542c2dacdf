#include "daemon/confinement.h"

#include <sys/stat.h>
#include <unistd.h>

#include <iterator>

#include "base/log.h"
#include "keeper/scoped_fs_uid.h"

namespace gw::daemon {
namespace {

constexpr const char* kHint = "use --user NAME, or set `user` in gw.toml";

using Chosen = Result<std::optional<sandbox::Identity>>;

// Returns the user to continue as, by the rule in the header; nullopt to keep the current user.
Chosen choose(const ConfinementSettings& settings, const keeper::Place& place) {
  if (!settings.user.empty()) {
    auto named = sandbox::user_named(settings.user);
    if (!named) return named.error();
    // Nothing has to change later in these two cases. become() only checks here that a process that
    // is not root runs as that user already.
    if (!sandbox::is_root() || named->uid == 0) {
      if (auto same = sandbox::become(*named); !same) return same.error();
      return Chosen(std::nullopt);
    }
    return Chosen(*named);
  }
  if (!sandbox::is_root()) return Chosen(std::nullopt);
  if (!keeper::is_private(place)) {
    auto named = sandbox::user_named(settings.own_user);
    if (!named) return named.error().within("started as root").with_hint(named.error().hint());
    return Chosen(*named);
  }
  // The sockets are inside the vault's directory. Only its owner can connect to them, so the
  // server must become the owner.
  struct stat vault {};
  if (::stat(place.vault.c_str(), &vault) != 0)
    return Error(Code::Config, "started as root: no vault at " + place.vault + ", so its owner is unknown")
        .with_hint(kHint);
  if (vault.st_uid == 0) return Chosen(std::nullopt);
  return Chosen(sandbox::user_numbered(vault.st_uid, vault.st_gid));
}

}  // namespace

Result<Confinement> Confinement::begin(ConfinementSettings settings, const keeper::Place& place) {
  Confinement made;
  auto user = choose(settings, place);
  if (!user) return user.error();
  made.user_ = std::move(*user);
  made.settings_ = std::move(settings);
  // A process in the sandbox can execute nothing, so the child that starts the keeper is forked
  // now. It changes to the chosen user first, so that the keeper does not run as root. Without the
  // sandbox the process starts the keeper itself.
  const bool closes = made.settings_.sandbox != sandbox::Mode::Off && sandbox::can_close();
  if (closes && keeper::may_start(place, made.user_ ? made.user_->uid : ::geteuid())) {
    auto starter = keeper::KeeperLauncher::make(place, [&made] { return made.become(); });
    if (!starter) return starter.error();
    made.starter_ = std::move(*starter);
  }
  return made;
}

std::function<keeper::Reached<void>()> Confinement::starting() const {
  if (!starter_) return {};
  return [starter = starter_] { return starter->start(); };
}

void Confinement::also_readable(std::vector<std::string> paths) {
  std::vector<std::string>& readable = settings_.needs.readable;
  readable.insert(readable.end(), std::make_move_iterator(paths.begin()),
                  std::make_move_iterator(paths.end()));
}

Result<void> Confinement::become() const {
  if (user_)
    if (auto done = sandbox::become(*user_); !done) return done;
  return sandbox::forbid_new_privileges();
}

Result<void> Confinement::close() const {
  // The order matters: the seccomp filter of close() no longer allows setuid(2).
  if (auto done = become(); !done) return done;
  const auto closed = sandbox::close(settings_.sandbox, settings_.needs);
  if (!closed) return closed.error();
  log::verbose(
      "confined",
      {{"uid", ::geteuid()}, {"landlock", closed->landlock}, {"seccomp", closed->seccomp ? "yes" : "no"}});
  return {};
}

}  // namespace gw::daemon

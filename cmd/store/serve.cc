// gw-store serve: be the keeper, the one process that has the vault's files open.
#include <fcntl.h>
#include <grp.h>
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/program.h"
#include "confine/identity.h"
#include "gate/metrics_socket.h"
#include "gate/openmetrics.h"
#include "keeper/as_owner.h"
#include "keeper/server/server.h"
#include "keeper/sockets.h"
#include "keeper/spawn.h"
#include "keeper/start.h"
#include "net/limits.h"
#include "net/listener.h"
#include "net/serve.h"
#include "store/commands.h"
#include "store/local/local_store.h"
#include "vault/checkpoint.h"

namespace gw::cmd {
namespace {

using namespace std::chrono_literals;
using keeper::Role;

struct Options {
  std::string idle_exit = "0";
  std::string run;
  std::string log;
  int ready_fd = -1;
};

// Descriptors that the store's own files may need.
constexpr std::size_t kStoreFiles = 512;
constexpr std::array kRoles{Role::Append, Role::Drain, Role::Admin};
const std::string kMetrics = "metrics";

// Who started us waits for our word, and not for our end: init becomes our parent.
Result<void> into_background() {
  const pid_t child = ::fork();
  if (child < 0) return Error::from_errno("fork");
  if (child > 0) ::_exit(0);
  if (::chdir("/") != 0) return Error::from_errno("/");
  return {};
}

// Root serves a vault as the user that it belongs to.
Result<void> become_owner(const struct stat& vault) {
  if (!confine::is_root() || vault.st_uid == 0) return {};
  return confine::become(confine::user_numbered(vault.st_uid, vault.st_gid));
}

// The history key, from the service manager or from the vault; without one nothing can be signed.
Result<store::Signer> find_signer(const std::string& vault) {
  const char* credentials = std::getenv("CREDENTIALS_DIRECTORY");
  std::vector<std::string> places;
  if (credentials != nullptr) places.push_back(std::string(credentials) + "/history.key");
  places.push_back(vault + "/history.key");
  for (const std::string& path : places) {
    auto file = open_for_reading(path);
    if (!file && file.error().code() == Code::NotFound) continue;
    if (!file) return file.error().within("cannot read the history key");
    auto key = read_secret(file->get(), path);
    if (!key) return key.error().within("cannot read the history key");
    return vault::make_signer(*key);
  }
  return store::Signer();
}

// A keeper that is just ending still has the vault open for a moment. One that answers in `run` is not
// ending; where the sockets are ours already (`run` is empty), answering says nothing.
Result<std::unique_ptr<store::Store>> open_store(const store::LocalOptions& options, const std::string& run,
                                                 std::chrono::milliseconds wait) {
  const std::string socket(keeper::name(Role::Append));
  const BootClock::time_point until = BootClock::now() + wait;
  for (;;) {
    auto opened = store::open_local_store(options);
    if (opened || opened.error().code() != Code::Busy || BootClock::now() > until) return opened;
    if (!run.empty() && keeper::connect_to(run, socket)) return opened;
    std::this_thread::sleep_for(20ms);
  }
}

struct Sockets {
  std::vector<keeper::RoleListener> roles;
  Fd metrics;                // none: not asked for
  std::string metrics_path;  // removed at the end; empty: the service manager's
};

// Listening in the folder of the sockets, for the group of its name where the vault is shared by users.
Result<Fd> own_socket(const keeper::Place& place, const std::string& file) {
  auto socket = keeper::listen_at(place.run, file, 0600);
  if (!socket) return socket;
  const group* members = keeper::is_private(place) ? nullptr : ::getgrnam(("gw-" + file).c_str());
  if (members == nullptr) return socket;
  const std::string path = place.run + "/" + file;
  if (::lchown(path.c_str(), static_cast<uid_t>(-1), members->gr_gid) != 0)
    log::warning("a socket is for the vault's owner alone: not a member of the group",
                 {{"socket", path}, {"group", "gw-" + file}});
  else if (::chmod(path.c_str(), 0660) != 0)
    return Error::from_errno(path);
  return socket;
}

Result<Sockets> own_sockets(const keeper::Place& place, const keeper::Owner& owner, bool metrics) {
  if (auto made = keeper::make_run_folder(place, owner); !made) return made.error();
  Sockets sockets;
  for (const Role role : kRoles) {
    const std::string file(keeper::name(role));
    auto socket = own_socket(place, file);
    if (!socket) return socket.error();
    sockets.roles.push_back({std::move(*socket), role, place.run + "/" + file});
  }
  if (!metrics) return sockets;
  auto socket = own_socket(place, kMetrics);
  if (!socket) return socket.error();
  sockets.metrics = std::move(*socket);
  sockets.metrics_path = place.run + "/" + kMetrics;
  return sockets;
}

Result<Sockets> given_sockets() {
  auto inherited = net::inherited_sockets("keeper");
  if (!inherited) return inherited.error();
  Sockets sockets;
  for (net::Listener& listener : inherited->listening) {
    if (listener.protocol == kMetrics) sockets.metrics = std::move(listener.socket);
    for (const Role role : kRoles) {
      if (listener.protocol == keeper::name(role))
        sockets.roles.push_back({std::move(listener.socket), role, ""});
    }
  }
  if (sockets.metrics && sockets.roles.empty())
    return Error(Code::Config, "the metrics socket was given, and no socket of the keeper's own")
        .with_hint("gw-store-append.socket, gw-store-drain.socket and gw-store-admin.socket belong to it");
  return sockets;
}

// Of a store that has failed nothing is said: what the disk holds only the next keeper will know.
Result<std::string> numbers(store::Store& store, const config::Config& config,
                            const std::atomic<bool>& failed) {
  if (failed) return Error(Code::Unavailable, "the store failed");
  return gate::openmetrics(store, config);
}

// `ready` is closed once everything is.
Result<int> keep(const Commands& commands, const Options& options, Fd& ready) {
  const auto idle_exit = parse_duration(options.idle_exit);
  if (!idle_exit) return Error(Code::Usage, "--idle-exit: `" + options.idle_exit + "` is no duration");
  auto config = commands.config();
  if (!config) return config.error();
  if (!options.log.empty()) config->log = options.log;
  const keeper::Place place =
      keeper::place_of(config->vault, options.run.empty() ? config->run : options.run);
  auto sockets = given_sockets();
  if (!sockets) return sockets.error();
  const bool given = !sockets->roles.empty();
  const bool awaited = ready || given;

  struct stat folder {};
  if (::stat(place.vault.c_str(), &folder) != 0) return Error::from_errno(place.vault).within("no vault");
  const keeper::Owner owner{folder.st_uid, folder.st_gid};
  if (!given) {
    if (auto made = keeper::make_run_folder(place, owner); !made) return made.error();
  }
  if (auto became = become_owner(folder); !became) return became.error();
  ::mallopt(M_ARENA_MAX, 4);
  // Named, so that it stays: glibc would raise it with each body that is freed, and keep the memory of all.
  ::mallopt(M_MMAP_THRESHOLD, 128 << 10);
  // Memory that a flush frees is filled again at once: giving it back to the system between takes a tenth of
  // all time. Server gives it back now and then.
  ::mallopt(M_TRIM_THRESHOLD, 16 << 20);
  // One that was started in the background has no standard error.
  if (ready && config->log == "auto") (void)log::redirect(log::Target::Syslog);
  if (auto logged = cli::choose_log(config->log); !logged) return logged.error();
  net::stop::install();
  // What makes other servers reload: the keeper has nothing to reload, and must not end of it.
  std::signal(SIGHUP, SIG_IGN);
  const std::size_t room = net::raise_descriptor_limit(2);

  auto signer = find_signer(place.vault);
  if (!signer) return signer.error();
  std::atomic<bool> failed = false;
  store::LocalOptions local;
  local.path = place.vault;
  local.signer = std::move(*signer);
  local.failed = [&failed](const Error& error) {
    log::error("the store failed", {{"error", error.text()}});
    failed = true;
    net::stop::request();
  };
  auto store = open_store(local, given ? "" : place.run, awaited ? 8s : 500ms);
  if (!store) return store.error();
  auto health = (*store)->health();
  if (!health) return health.error();
  if (!health->writable) log::error("read-only", {{"reason", health->reason}});
  // Only who has the vault open may take the sockets' names.
  if (!given) sockets = own_sockets(place, owner, config->store.metrics);
  if (!sockets) return sockets.error();

  keeper::ServerOptions serving;
  serving.vault = health->vault;
  serving.idle_exit = *idle_exit;
  serving.connections = std::max<std::size_t>(room > kStoreFiles ? room - kStoreFiles : 0, 64);
  serving.failed = &failed;
  serving.stop = net::stop::descriptor();
  Result<void> served;
  {
    keeper::Server server(**store, serving);
    std::optional<gate::MetricsSocket> metrics;
    if (sockets->metrics)
      metrics.emplace(std::move(sockets->metrics), sockets->metrics_path,
                      [&] { return numbers(**store, *config, failed); });
    net::notify("READY=1");
    keeper::tell_ready(ready);
    ready.reset();
    served = server.run(std::move(sockets->roles));
    net::notify("STOPPING=1");
  }
  store->reset();
  if (!served) return served.error();
  return failed ? exit_status(Code::Busy) : 0;
}

Result<int> serve(const Commands& commands, const Options& options) {
  Fd ready;
  if (options.ready_fd >= 0) {
    ready = Fd(options.ready_fd);
    if (::fcntl(ready.get(), F_SETFD, FD_CLOEXEC) != 0) return Error::from_errno("--ready-fd");
    if (auto gone = into_background(); !gone) return gone.error();
  }
  auto status = keep(commands, options, ready);
  if (!status) {
    keeper::tell_failed(ready, status.error());
    if (ready) log::error("cannot serve", {{"error", status.error().text()}});
  }
  return status;
}

}  // namespace

void add_serve(Commands& commands) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      commands.add(commands.root(), "serve", "Be the keeper: own the vault and serve the other tools",
                   [&commands, options] { return serve(commands, *options); });
  command->add_option("--idle-exit", options->idle_exit, "End after so long without a client (0: never)")
      ->type_name("TIME");
  command->add_option("--run", options->run, "The folder of the sockets (else gw.toml, $GW_RUN, VAULT/run)")
      ->type_name("DIR");
  command->add_option("--log", options->log, "Where log lines go")
      ->check(CLI::IsMember({"auto", "stderr", "syslog", "journal"}));
  command->add_option("--ready-fd", options->ready_fd, "Go into the background and say here when ready")
      ->type_name("N");
}

}  // namespace gw::cmd

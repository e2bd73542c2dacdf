// gw-store serve: the keeper, the process that owns the vault's files (gw-keeper(7)).
#include <fcntl.h>
#include <grp.h>
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/program.h"
#include "daemon/metrics_socket.h"
#include "daemon/openmetrics.h"
#include "keeper/scoped_fs_uid.h"
#include "keeper/server/server.h"
#include "keeper/sockets.h"
#include "keeper/spawn.h"
#include "keeper/start.h"
#include "net/limits.h"
#include "net/listener.h"
#include "net/serve.h"
#include "sandbox/identity.h"
#include "store/commands.h"
#include "store/open/open_store.h"
#include "vault/checkpoint.h"

namespace gw::cmd {
namespace {

using namespace std::chrono_literals;
using keeper::Role;

struct ServeOptions {
  std::string idle_exit = "0";
  std::string run;
  std::string log;
  int ready_fd = -1;
};

// Descriptors that are kept for the files of the store. The rest of the limit is for connections.
constexpr std::size_t kStoreFiles = 512;
constexpr std::array kRoles{Role::Append, Role::Drain, Role::Admin};
const std::string kMetrics = "metrics";

// Continues in a child. The process that started the keeper waits for the report on --ready-fd, not
// for an exit status; when the parent exits, init becomes the parent of the keeper and reaps it.
Result<void> into_background() {
  const pid_t child = ::fork();
  // A later attempt may find the processes or the memory that are missing now.
  if (child < 0) return Error(Code::Busy, Error::from_errno("fork").text());
  // _exit(2), because destructors and exit handlers are the child's.
  if (child > 0) ::_exit(0);
  if (::chdir("/") != 0) return Error::from_errno("/");
  return {};
}

// A keeper that root starts serves the vault as the vault's owner.
Result<void> become_owner(const struct stat& vault) {
  if (!sandbox::is_root() || vault.st_uid == 0) return {};
  return sandbox::become(sandbox::user_numbered(vault.st_uid, vault.st_gid));
}

// Returns a signer with the history key, from the service manager's credentials (systemd.exec(5),
// LoadCredential=) or from the vault. Returns an empty signer if there is none: the keeper then
// works but signs no checkpoints. A key that exists and cannot be read is an error, so that a wrong
// permission does not silently end signing.
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
    auto signer = vault::make_signer(*key);
    if (!signer) return signer.error().within(path).with_hint("mv " + path + " " + path + ".damaged");
    return signer;
  }
  return store::Signer();
}

// Opens the store. Waits up to `wait` for the vault lock, because a keeper that is ending holds it
// until its last sync. If a keeper replies on its socket in `run`, it is not ending, and waiting is
// useless. With inherited sockets (`run` is empty), a connection would only reach this process
// itself.
Result<std::unique_ptr<store::Store>> await_store(const store::OpenOptions& options, const std::string& run,
                                                  std::chrono::milliseconds wait) {
  const std::string socket(keeper::name(Role::Append));
  const BootClock::time_point until = BootClock::now() + wait;
  for (;;) {
    auto opened = store::open_store(options);
    if (opened || opened.error().code() != Code::Busy || BootClock::now() > until) return opened;
    if (!run.empty() && keeper::connect_to(run, socket)) return opened;
    std::this_thread::sleep_for(20ms);
  }
}

struct Sockets {
  std::vector<keeper::RoleListener> roles;
  Fd metrics;                // empty if it was not asked for
  std::string metrics_path;  // unlinked at the end; empty if a service manager owns the socket
};

// Creates a listening socket in the run directory. If the directory is shared by several users and
// the group gw-NAME exists, its members may connect.
Result<Fd> own_socket(const keeper::Place& place, const std::string& file) {
  // Created for the owner only. It is opened to the group after it belongs to that group, and never
  // to another one.
  auto socket = keeper::listen_at(place.run, file, 0600);
  if (!socket) return socket;
  const group* members = keeper::is_private(place) ? nullptr : ::getgrnam(("gw-" + file).c_str());
  if (members == nullptr) return socket;
  const std::string path = place.run + "/" + file;
  // The owner may only give a file to groups that they are a member of.
  if (::lchown(path.c_str(), static_cast<uid_t>(-1), members->gr_gid) != 0)
    log::warning("socket group not set", {{"socket", path}, {"group", "gw-" + file}});
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
  // By the names in LISTEN_FDNAMES (sd_listen_fds(3)).
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
  // Only gw-store-metrics.socket is enabled. It would start a keeper that no tool can reach.
  if (sockets.metrics && sockets.roles.empty())
    return Error(Code::Config, "only the metrics socket was passed")
        .with_hint("systemctl start gw-store-append.socket gw-store-drain.socket gw-store-admin.socket");
  return sockets;
}

// Returns the metrics. After a failure of the store it returns an error: only the next keeper,
// which reads the disk, knows what is true.
Result<std::string> numbers(store::Store& store, const config::Config& config,
                            const std::atomic<bool>& failed) {
  if (failed) return Error(Code::Unavailable, "the store failed");
  return daemon::metrics_text(store, config);
}

// Runs the keeper until it ends. `ready` receives the report and is closed once the keeper listens.
Result<int> keep(const Commands& commands, const ServeOptions& options, Fd& ready) {
  const auto idle_exit = parse_duration(options.idle_exit);
  if (!idle_exit)
    return Error(Code::Usage, "--idle-exit: `" + options.idle_exit + "` is not a valid duration");
  auto config = commands.config();
  if (!config) return config.error();
  if (!options.log.empty()) config->log = options.log;
  const keeper::Place place =
      keeper::place_of(config->vault, options.run.empty() ? config->run : options.run);
  auto sockets = given_sockets();
  if (!sockets) return sockets.error();
  const bool given = !sockets->roles.empty();
  // A tool or clients in the socket's queue are waiting, so it is worth waiting longer for an
  // ending keeper. A person who typed the command wants an error soon.
  const bool awaited = ready || given;

  struct stat folder {};
  const auto no_vault = [&place] {
    return Error(Code::NotFound, "there is no vault in " + place.vault)
        .with_hint("gw-store --vault " + place.vault + " init");
  };
  if (::stat(place.vault.c_str(), &folder) != 0) {
    if (errno == ENOENT) return no_vault();
    return Error::from_errno(place.vault).within("cannot open the vault");
  }
  const keeper::Owner owner{folder.st_uid, folder.st_gid};
  // Before root becomes the owner: only root can create /run/gw. After a look at the vault: the
  // directory of a mistyped --vault stays as it is.
  if (!given) {
    if (auto id = store::openable_vault(place.vault); !id) {
      if (id.error().code() == Code::NotFound) return no_vault();
      if (id.error().code() == Code::Corrupt || id.error().code() == Code::Config)
        return id.error().within("cannot open the vault");
    }
    if (auto made = keeper::make_run_folder(place, owner); !made) return made.error();
  }
  if (auto became = become_owner(folder); !became) return became.error();
  // By default glibc creates up to 8 arenas for each core, which keep memory that other threads
  // cannot use.
  ::mallopt(M_ARENA_MAX, 4);
  // Set explicitly, which also fixes it: glibc would raise the threshold with each large body that
  // is freed, and then keep the memory of all bodies in its arenas.
  ::mallopt(M_MMAP_THRESHOLD, 128 << 10);
  // Memory that a flush of the database frees is soon needed again. Returning it to the system each
  // time costs a tenth of the run time. Server returns it once a minute.
  ::mallopt(M_TRIM_THRESHOLD, 16 << 20);
  // A keeper that a tool started has no standard error.
  if (ready && config->log == "auto") (void)log::redirect(log::Target::Syslog);
  if (auto logged = cli::choose_log(config->log); !logged) return logged.error();
  net::stop::install();
  // SIGHUP makes other servers reload, and administrators send it to all of them. The keeper has
  // nothing to reload, and must not be ended by it.
  std::signal(SIGHUP, SIG_IGN);
  // Two descriptors for each connection: its socket, and a file that it reads or appends to.
  const std::size_t room = net::raise_descriptor_limit(2);

  auto signer = find_signer(place.vault);
  if (!signer) return signer.error();
  std::atomic<bool> failed = false;
  store::OpenOptions opening;
  opening.path = place.vault;
  opening.signer = std::move(*signer);
  // Called by the store after a failed write or sync. Sessions stop replying immediately, then the
  // process ends, and the next keeper opens what is on the disk.
  opening.failed = [&failed](const Error& error) {
    log::error("store failed", {{"error", error.text()}});
    failed = true;
    net::stop::request();
  };
  auto store = await_store(opening, given ? "" : place.run, awaited ? 8s : 500ms);
  if (!store) return store.error();
  auto health = (*store)->health();
  if (!health) return health.error();
  if (!health->writable) log::error("vault read-only", {{"reason", health->reason}});
  // The sockets are created after the store is open, i.e. with the vault lock. Then no other keeper
  // serves sockets of these names, and replacing them takes no clients away from it.
  if (!given) sockets = own_sockets(place, owner, config->store.metrics);
  if (!sockets) return sockets.error();

  keeper::ServerOptions serving;
  serving.vault = health->vault;
  serving.idle_exit = *idle_exit;
  // At least 64, even if the limit of descriptors is low.
  serving.connections = std::max<std::size_t>(room > kStoreFiles ? room - kStoreFiles : 0, 64);
  serving.failed = &failed;
  serving.stop = net::stop::descriptor();
  Result<void> served;
  {
    keeper::Server server(**store, serving);
    std::optional<daemon::MetricsSocket> metrics;
    if (sockets->metrics)
      metrics.emplace(std::move(sockets->metrics), sockets->metrics_path,
                      [&] { return numbers(**store, *config, failed); });
    // Both kinds of starters are told after the sockets listen, so a client that is told can
    // connect.
    net::notify("READY=1");
    keeper::tell_ready(ready);
    ready.reset();
    served = server.run(std::move(sockets->roles));
    // The server and the metrics socket end at the end of this block, before the store that they
    // use.
    net::notify("STOPPING=1");
  }
  // Closes the store: flushes, and releases the vault lock.
  store->reset();
  if (!served) return served.error();
  // 75 (EX_TEMPFAIL): systemd starts the next keeper.
  return failed ? kExitTryAgain : kExitSuccess;
}

Result<int> serve(const Commands& commands, const ServeOptions& options) {
  Fd ready;
  if (options.ready_fd >= 0) {
    ready = Fd(options.ready_fd);
    // Also checks that the descriptor exists.
    if (::fcntl(ready.get(), F_SETFD, FD_CLOEXEC) != 0) return Error::from_errno("--ready-fd");
    if (auto gone = into_background(); !gone) return gone.error();
  }
  auto status = keep(commands, options, ready);
  if (!status) {
    keeper::tell_failed(ready, status.error());
    // The log, because standard error is /dev/null here.
    if (ready) log::error("keeper stopped", {{"error", status.error().text()}});
  }
  return status;
}

}  // namespace

void add_serve(Commands& commands) {
  auto options = std::make_shared<ServeOptions>();
  CLI::App* command =
      commands.add(commands.root(), "serve", "Run the keeper, which serves the vault to other programs",
                   [&commands, options] { return serve(commands, *options); });
  command->add_option("--idle-exit", options->idle_exit, "Exit after this long without clients (0: never)")
      ->type_name("TIME");
  command->add_option("--run", options->run, "Use this socket directory (else gw.toml, $GW_RUN, VAULT/run)")
      ->type_name("DIR");
  command->add_option("--log", options->log, "Choose where log lines go")
      ->check(CLI::IsMember({"auto", "stderr", "syslog", "journal"}));
  command
      ->add_option("--ready-fd", options->ready_fd, "Run in the background; report readiness on descriptor N")
      ->type_name("N");
}

}  // namespace gw::cmd

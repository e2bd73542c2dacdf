#include "daemon/server.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "base/clock.h"
#include "base/log.h"
#include "net/proxy_protocol.h"

namespace gw::daemon {
namespace {

// Opens the sockets of --listen. For gw-proxy each value has the form NAME=ADDR:PORT[,tls].
Result<std::vector<net::Listener>> open_listeners(const DaemonOptions& plan) {
  std::vector<net::Listener> listeners;
  for (const std::string& text : plan.listen) {
    const auto address = listener_address(plan, text);
    if (!address) return address.error();
    const auto& [name, spec] = *address;
    auto listener = net::listen_on(spec, name);
    if (!listener) return listener.error();
    // listen_on() appends an `s` to the protocol if the listener has implicit TLS. The name of a
    // route must stay unchanged.
    if (plan.protocol == "proxy" && name != "smtp" && name != "pop3") listener->protocol = name;
    listeners.push_back(std::move(*listener));
  }
  return listeners;
}

// Logs that the certificate has expired. It is used nevertheless: senders that do not verify it
// deliver.
void warn_if_expired(const net::ServerTls& tls, const net::CertificateFiles& files) {
  if (tls.not_after() == 0 || tls.not_after() >= now()) return;
  log::warning("certificate expired",
               {{"file", files.certificate}, {"expired", rfc3339(tls.not_after()).substr(0, 10)}});
}

Result<void> serve_listeners(std::vector<net::Listener> listeners, bool of_systemd, const DaemonOptions& plan,
                             Certificates& certificates, const net::Handler& handler,
                             const net::Refusal& refusal) {
  const auto count = std::ranges::count_if(listeners, &net::Listener::implicit_tls);
  const bool implicit = count > 0;
  // A certificate that is missing or broken must not keep mail from a port that needs none. By hand
  // the error is better: the user sees it.
  const bool others = of_systemd && static_cast<std::size_t>(count) < listeners.size();
  // Load the certificates now and not at the first handshake. A wrong configuration then shows at
  // the start, and the files may be unreadable after settle().
  if (implicit || certificates.configured())
    if (auto loaded = certificates.current(); !loaded) {
      if (!others) return loaded.error();
      log::error("certificate not loaded",
                 {{"reason", loaded.error().text()}, {"effect", "serving without TLS"}});
    }
  if (plan.before_serving)
    if (auto settled = plan.before_serving(); !settled) return settled;
  // This starts a thread, so it comes after settle(): the sandbox must cover all threads.
  net::on_reload([&] {
    certificates.reload();
    if (plan.on_reload) plan.on_reload();
  });
  Result<void> served = net::serve(std::move(listeners), plan.limits, handler, refusal, plan.announce);
  // The function refers to objects of the caller, which end before the process does.
  net::on_reload(nullptr);
  return served;
}

// Returns the connection of --stdio. Descriptors 0 and 1 are moved and replaced by /dev/null, so
// that a stray write to standard output cannot reach the client as part of the protocol.
Result<net::Listener> stdio_connection(const DaemonOptions& plan) {
  net::Listener connection;
  connection.socket = Fd(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
  connection.output = Fd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!connection.socket || !connection.output || !null)
    return Error::from_errno("standard input and output");
  if (::dup2(null.get(), STDIN_FILENO) < 0 || ::dup2(null.get(), STDOUT_FILENO) < 0)
    return Error::from_errno("/dev/null");
  connection.protocol = plan.protocol;
  return connection;
}

Result<void> serve_one(net::Listener connection, const DaemonOptions& plan, Certificates& certificates,
                       const net::Handler& handler) {
  // Ignore an error: the session replies to STARTTLS with a temporary error and works without TLS.
  if (plan.load_keys_early && certificates.configured()) (void)certificates.current();
  if (plan.before_serving)
    if (auto settled = plan.before_serving(); !settled) return settled;
  connection.implicit_tls = connection.implicit_tls || plan.implicit_tls;
  // The header of a load balancer comes before the protocol. It is only read from configured
  // balancers, because any other peer could claim any address with it.
  net::Stream stream = net::take_connection(connection);
  const std::string balancer = stream.peer().address;
  if (plan.limits.balancer && plan.limits.balancer(balancer)) {
    if (auto read = net::read_proxy_header(stream, plan.limits.proxy_timeout); !read) {
      log::warning("connection refused", {{"reason", read.error().text()}, {"peer", balancer}});
      return {};
    }
  }
  handler(std::move(stream), connection);
  return {};
}

}  // namespace

Result<std::shared_ptr<const net::ServerTls>> Certificates::current() {
  const std::lock_guard lock(mutex_);
  if (loaded_) return loaded_;
  if (files_.empty())
    return Error(Code::Config, "no certificate is configured")
        .with_hint("gw-store certificate install FULLCHAIN KEY, or gw-store certificate self-sign");
  auto fresh = net::ServerTls::load(files_);
  if (!fresh) return fresh.error();
  warn_if_expired(**fresh, files_.front());
  loaded_ = std::move(*fresh);
  return loaded_;
}

void Certificates::reload() {
  if (files_.empty()) return;
  // Load without the lock, so that handshakes go on with the old certificates meanwhile.
  auto fresh = net::ServerTls::load(files_);
  if (!fresh) {
    log::error("certificate not reloaded", {{"reason", fresh.error().text()}});
    return;
  }
  warn_if_expired(**fresh, files_.front());
  const std::lock_guard lock(mutex_);
  loaded_ = std::move(*fresh);
  log::info("certificate reloaded");
}

Result<store::Store*> VaultConnection::store() {
  const std::lock_guard lock(mutex_);
  // The lock is held while connecting: several sessions that need the keeper at the same time then
  // start it once.
  if (!store_) {
    auto connected = keeper::connect(place_, how_);
    if (!connected) return connected.error();
    store_ = std::move(*connected);
  }
  return store_.get();
}

void VaultConnection::report(const store::ServerStats& stats) {
  unsaid_.add(stats);
  // Do not connect for statistics: they are no reason to start a keeper.
  store::Store* store = nullptr;
  {
    const std::lock_guard lock(mutex_);
    store = store_.get();
  }
  if (store == nullptr) return;
  for (const store::ServerStats& each : unsaid_.take()) {
    const Result<void> said = store->stats(each);
    // Unavailable means that the keeper has not counted it: keep it for the next report. After any
    // other error it may have been counted, and a lost count is better than a double one.
    if (!said && said.error().code() == Code::Unavailable) unsaid_.add(each);
  }
}

Result<std::pair<std::string, net::ListenSpec>> listener_address(const DaemonOptions& plan,
                                                                 const std::string& text) {
  const std::size_t equals = plan.protocol == "proxy" ? text.find('=') : std::string::npos;
  const bool named = equals != std::string::npos;
  auto spec = net::parse_listen(std::string_view(text).substr(named ? equals + 1 : 0));
  if (!spec) return spec.error();
  return std::pair(named ? text.substr(0, equals) : plan.protocol, std::move(*spec));
}

Result<void> run_server(const DaemonOptions& plan, Certificates& certificates, const net::Handler& handler,
                        const net::Refusal& refusal) {
  net::stop::install();
  // SIGHUP terminates a process by default. Ignore it until on_reload() installs a handler; a
  // server of a single connection never does, and must not be terminated in the middle of it.
  std::signal(SIGHUP, SIG_IGN);
  if (plan.stdio) {
    auto connection = stdio_connection(plan);
    if (!connection) return connection.error();
    return serve_one(std::move(*connection), plan, certificates, handler);
  }
  // The order decides if several sources exist: the command line, systemd, inetd.
  if (!plan.listen.empty()) {
    auto listeners = open_listeners(plan);
    if (!listeners) return listeners.error();
    return serve_listeners(std::move(*listeners), false, plan, certificates, handler, refusal);
  }
  auto inherited = net::inherited_sockets(plan.protocol);
  if (!inherited) return inherited.error();
  if (!inherited->listening.empty())
    return serve_listeners(std::move(inherited->listening), true, plan, certificates, handler, refusal);
  if (!inherited->connected.empty())
    return serve_one(std::move(inherited->connected.front()), plan, certificates, handler);
  if (net::inetd_started()) {
    auto connection = net::inetd_connection(plan.protocol);
    if (!connection) return connection.error();
    return serve_one(std::move(*connection), plan, certificates, handler);
  }
  return Error(Code::Usage, "no address to listen on")
      .with_hint("use --listen ADDR:PORT, or start it from systemd or inetd, or use --stdio on a pipe");
}

}  // namespace gw::daemon

// Sockets that another process opened: sd_listen_fds(3), sd_notify(3), inetd, UCSPI.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/text.h"
#include "net/descriptor.h"
#include "net/listener.h"

namespace gw::net {
namespace {

// What a descriptor can be for. Ports identify a role if the unit names none; port 0 never matches.
struct Role {
  std::string_view name;
  std::string_view protocol;  // the program that serves it
  std::uint16_t port;
  bool implicit_tls;
};
constexpr Role kRoles[] = {
    {"smtp", "smtp", 25, false},   {"submission", "smtp", 587, false}, {"smtps", "smtp", 465, true},
    {"pop3", "pop3", 110, false},  {"pop3s", "pop3", 995, true},       {"append", "keeper", 0, false},
    {"drain", "keeper", 0, false}, {"admin", "keeper", 0, false},      {"metrics", "keeper", 0, false},
    {"http", "http", 0, false},    {"https", "http", 8450, true},
};
constexpr int kFirstInherited = 3;  // SD_LISTEN_FDS_START
constexpr std::string_view kProxy = "proxy";
constexpr std::string_view kConsole = "http";
// inetd's descriptors are moved to numbers from here on, above the descriptors that callers pass by
// number (--password-fd, LISTEN_FDS).
constexpr int kHigh = 64;

const Role* role_named(std::string_view name) {
  for (const Role& role : kRoles) {
    if (role.name == name) return &role;
  }
  return nullptr;
}

const Role* role_at(std::uint16_t port) {
  for (const Role& role : kRoles) {
    if (port != 0 && role.port == port) return &role;
  }
  return nullptr;
}

std::uint64_t number_from(const char* name) {
  const char* text = std::getenv(name);
  return text != nullptr ? parse_number(text).value_or(0) : 0;
}

bool same_file(int a, int b) {
  struct stat first {};
  struct stat second {};
  return ::fstat(a, &first) == 0 && ::fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

// gw-proxy serves SMTP and POP3. Any other name is the name of a route.
bool serves(std::string_view protocol, const Role& role) {
  return role.protocol == protocol ||
         (protocol == kProxy && role.protocol != "keeper" && role.protocol != kConsole);
}

// systemd passes a default name if the unit sets no FileDescriptorName: the unit's own name
// (`x.socket`) for a listening socket, `connection` for Accept=yes, `unknown` without a name. None
// of these is a route.
bool names_route(std::string_view protocol, std::string_view name) {
  const Role* role = role_named(name);
  return protocol == kProxy && !name.empty() && (role == nullptr || role->protocol == kConsole) &&
         !name.ends_with(".socket") && name != "unknown" && name != "connection";
}

bool under_ucspi() {
  return std::getenv("TCPREMOTEIP") != nullptr;
}

}  // namespace

bool sockets_inherited() {
  return number_from("LISTEN_PID") == static_cast<std::uint64_t>(::getpid()) && number_from("LISTEN_FDS") > 0;
}

Result<Inherited> inherited_sockets(std::string_view protocol) {
  Inherited found;
  // The variables are inherited by child processes. LISTEN_PID tells whether they are meant for
  // this process (sd_listen_fds(3)). They are removed in any case.
  const bool ours = number_from("LISTEN_PID") == static_cast<std::uint64_t>(::getpid());
  const std::uint64_t count = number_from("LISTEN_FDS");
  const char* listed = std::getenv("LISTEN_FDNAMES");
  const std::string names = listed != nullptr ? listed : "";
  ::unsetenv("LISTEN_PID");
  ::unsetenv("LISTEN_FDS");
  ::unsetenv("LISTEN_FDNAMES");
  // A count that no unit can have would make the loop below close descriptors of other owners.
  if (!ours || count == 0 || count > 1024) return found;

  const auto pieces = split(names, ':');
  for (std::size_t at = 0; at < count; ++at) {
    Listener listener;
    listener.socket = Fd(kFirstInherited + static_cast<int>(at));
    const int fd = listener.socket.get();
    // systemd passes the descriptors without CLOEXEC, so a keeper started from here would keep the
    // port in use.
    (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);
    const Described described = describe(fd);
    const std::string name(at < pieces.size() ? pieces[at] : std::string_view{});
    const std::string what =
        "inherited descriptor " + std::to_string(fd) + (name.empty() ? std::string() : " (" + name + ")");
    if (described.kind == Kind::None) return Error(Code::Config, what + " is not a stream socket");

    // The name comes first, then the port, then the file name of a Unix socket. For gw-proxy port
    // 8450 and the name `http` mean nothing, so that a route may have this name or port.
    const Role* role = role_named(name);
    if (role == nullptr) role = role_at(described.port);
    if (protocol == kProxy && role != nullptr && role->protocol == kConsole) role = nullptr;
    if (names_route(protocol, name)) {
      listener.protocol = name;
      listener.implicit_tls = role != nullptr && role->implicit_tls;
      listener.address = described.address;
      (described.kind == Kind::Listening ? found.listening : found.connected).push_back(std::move(listener));
      continue;
    }
    if (role == nullptr) role = role_named(described.file);
    if (role == nullptr || !serves(protocol, *role)) {
      return Error(Code::Config, what + (described.address.empty() ? "" : " at " + described.address) +
                                     (role == nullptr ? " has no known role"
                                                      : " is for `" + std::string(role->name) +
                                                            "`, which this program does not serve"))
          .with_hint(
              "set FileDescriptorName= in the socket unit to smtp, smtps, submission, pop3, pop3s or https");
    }
    listener.protocol = role->name;
    listener.implicit_tls = role->implicit_tls;
    listener.address = described.address;
    (described.kind == Kind::Listening ? found.listening : found.connected).push_back(std::move(listener));
  }
  return found;
}

bool inetd_started() {
  return describe(STDIN_FILENO).kind == Kind::Connected || under_ucspi();
}

Result<Listener> inetd_connection(std::string_view protocol) {
  const Described described = describe(STDIN_FILENO);
  if (described.kind != Kind::Connected && !under_ucspi()) {
    return Error(Code::Usage, "standard input is not a connection")
        .with_hint("start it from inetd, tcpserver or systemd, or use --listen ADDRESS:PORT");
  }
  const std::string what = "cannot use the connection on standard input";
  Listener connection;
  connection.protocol = protocol;
  connection.address = described.address;
  const std::uint64_t port = described.port != 0 ? described.port : number_from("TCPLOCALPORT");
  const Role* role = port < 65536 ? role_at(static_cast<std::uint16_t>(port)) : nullptr;
  if (role != nullptr && serves(protocol, *role)) {
    connection.protocol = role->name;
    connection.implicit_tls = role->implicit_tls;
  }

  // inetd passes one socket on 0, 1 and 2. A UCSPI server may pass two pipes.
  const bool one = same_file(STDIN_FILENO, STDOUT_FILENO) || described.kind == Kind::Connected;
  const bool errors_too = same_file(STDIN_FILENO, STDERR_FILENO) || same_file(STDOUT_FILENO, STDERR_FILENO);
  // The calls that can fail for lack of descriptors come before the first dup2, so that their error
  // can still be reported on standard error.
  connection.socket = Fd(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, kHigh));
  if (!connection.socket) return Error::from_errno(what);
  if (!one) {
    connection.output = Fd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, kHigh));
    if (!connection.output) return Error::from_errno(what);
  }
  const Fd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!nothing) return Error::from_errno("/dev/null");
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // Standard error of a UCSPI server is a log, so it stays. Only if it is the connection,
    // messages would reach the peer in the middle of the protocol.
    if (fd == STDERR_FILENO && !errors_too) continue;
    if (::dup2(nothing.get(), fd) < 0) return Error::from_errno(what);
  }
  return connection;
}

void notify(std::string_view state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || (path[0] != '/' && path[0] != '@')) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t size = std::strlen(path);
  if (size >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, path, size);
  if (path[0] == '@') address.sun_path[0] = '\0';  // the abstract namespace
  const Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return;
  (void)::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address),
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size));
}

}  // namespace gw::net

// Tests descriptors that another process opened. Each case runs in a
// child process, which may change its own descriptors and environment.
#include <fcntl.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <functional>

#include "support.h"

using namespace gw;
using namespace gw::net;
using namespace gw::net::test;

namespace {

// Returns what `work` returned in a child process.
std::string in_child(const std::function<std::string()>& work) {
  int fds[2];
  REQUIRE(::pipe2(fds, O_CLOEXEC) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const int out = ::fcntl(fds[1], F_DUPFD_CLOEXEC, 200);
    const std::string said = work();
    (void)!::write(out, said.data(), said.size());
    ::_exit(0);
  }
  ::close(fds[1]);
  std::string said;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(fds[0], buffer, sizeof buffer)) > 0;) said.append(buffer, got);
  ::close(fds[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  return said;
}

void place(int fd, int at) {
  if (::dup2(fd, at) != at) ::_exit(9);
}

void announce(int count, const char* names) {
  ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  ::setenv("LISTEN_FDS", std::to_string(count).c_str(), 1);
  if (names != nullptr) ::setenv("LISTEN_FDNAMES", names, 1);
}

std::string describe(const Result<Inherited>& found) {
  if (!found) return std::string(name(found.error().code())) + ": " + found.error().text();
  std::string text;
  for (const auto& each : found->listening) {
    text += "listening " + each.protocol + (each.implicit_tls ? " tls;" : ";");
  }
  for (const auto& each : found->connected) {
    text += "connected " + each.protocol + (each.implicit_tls ? " tls;" : ";");
  }
  for (const char* variable : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) {
    if (::getenv(variable) != nullptr) text += "left in the environment;";
  }
  return text;
}

}  // namespace

TEST_CASE("Inherited sockets have the roles that their names give") {
  auto first = listen_on({"127.0.0.1", 0, false}, "smtp");
  auto second = listen_on({"127.0.0.1", 0, false}, "smtp");
  auto [a, b] = socket_pair();
  REQUIRE((first && second));
  const int fds[] = {::fcntl(first->socket.get(), F_DUPFD_CLOEXEC, 100),
                     ::fcntl(second->socket.get(), F_DUPFD_CLOEXEC, 100),
                     ::fcntl(a.get(), F_DUPFD_CLOEXEC, 100)};
  CHECK(in_child([&] {
          for (int i = 0; i < 3; ++i) place(fds[i], 3 + i);
          announce(3, "smtp:smtps:submission");
          const std::string told = describe(inherited_sockets("smtp"));
          return told;
        }) == "listening smtp;listening smtps tls;connected submission;");
  CHECK(in_child([&] {
          place(fds[0], 3);
          announce(1, "pop3s");
          return describe(inherited_sockets("pop3"));
        }) == "listening pop3s tls;");
  CHECK(in_child([&] {
          place(fds[0], 3);
          announce(1, "drain");
          return describe(inherited_sockets("keeper"));
        }) == "listening drain;");
  CHECK(in_child([&] {
          place(fds[0], 3);
          place(fds[1], 4);
          announce(2, "https:http");
          return describe(inherited_sockets("http"));
        }) == "listening https tls;listening http;");
  for (const int fd : fds) ::close(fd);
}

TEST_CASE("An inherited socket whose role is unclear is Config") {
  auto listener = listen_on({"127.0.0.1", 0, false}, "smtp");
  REQUIRE(listener);
  const int fd = ::fcntl(listener->socket.get(), F_DUPFD_CLOEXEC, 100);
  const auto told = [&](const char* names, const char* protocol) {
    return in_child([&] {
      place(fd, 3);
      announce(1, names);
      return describe(inherited_sockets(protocol));
    });
  };
  CHECK(told(nullptr, "smtp").find("has no known role") != std::string::npos);
  CHECK(told("gw-smtpd.socket", "smtp")
            .starts_with("configuration: inherited descriptor 3 (gw-smtpd.socket) at 127.0.0.1:"));
  CHECK(told("pop3", "smtp").find("is for `pop3`") != std::string::npos);
  CHECK(told("https", "proxy") == "listening https;");  // a route may have this name
  CHECK(told("smtp", "http").find("is for `smtp`") != std::string::npos);
  CHECK(in_child([&] {
          place(::open("/dev/null", O_RDONLY), 3);
          announce(1, "smtp");
          return describe(inherited_sockets("smtp"));
        }) == "configuration: inherited descriptor 3 (smtp) is not a stream socket");
  ::close(fd);
}

TEST_CASE("A Unix socket without a name has the role of its file") {
  const Directory directory;
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = directory / "append";
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(fd.get(), 5) == 0);
  const int high = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, 100);
  CHECK(in_child([&] {
          place(high, 3);
          announce(1, "unknown");
          return describe(inherited_sockets("keeper"));
        }) == "listening append;");
  ::close(high);
}

TEST_CASE("Variables for another process are ignored and removed") {
  CHECK(in_child([] {
          announce(3, "smtp");
          ::setenv("LISTEN_PID", "1", 1);
          if (sockets_inherited()) return std::string("for us");
          return describe(inherited_sockets("smtp"));
        }) == "");
}

TEST_CASE("An adopted descriptor is not inherited by a program that is started") {
  auto listener = listen_on({"127.0.0.1", 0, false}, "smtp");
  REQUIRE(listener);
  const int fd = ::fcntl(listener->socket.get(), F_DUPFD_CLOEXEC, 100);
  CHECK(in_child([&] {
          place(fd, 3);
          announce(1, "smtp");
          const auto found = inherited_sockets("smtp");
          return std::string((::fcntl(3, F_GETFD) & FD_CLOEXEC) != 0 ? "closed" : "kept");
        }) == "closed");
  ::close(fd);
}

TEST_CASE("Under inetd the connection gets a higher descriptor and /dev/null takes its place") {
  auto [a, b] = socket_pair();
  const int ours = ::fcntl(a.get(), F_DUPFD_CLOEXEC, 100);
  const std::string said = in_child([&] {
    for (const int fd : {0, 1, 2}) place(ours, fd);
    if (!inetd_started()) return std::string("not seen");
    auto connection = inetd_connection("smtp");
    if (!connection) return connection.error().text();
    (void)!::write(1, "stray", 5);
    (void)!::write(2, "stray", 5);
    char byte = 0;
    if (::read(0, &byte, 1) != 0) return std::string("0 is not /dev/null");
    const int high = connection->socket.get();
    Stream stream = take_connection(*connection);
    if (stream.peer().address != "unix") return "peer is " + stream.peer().address;
    if (!stream.write(as_bytes("220 hello\r\n"))) return std::string("cannot write");
    return std::string(high >= 64 ? "high" : "low");
  });
  CHECK(said == "high");
  ::close(ours);
  a.reset();
  Stream peer(std::move(b), Peer{});
  CHECK(read_all(peer) == "220 hello\r\n");
}

TEST_CASE("Standard error is kept if it is another file") {
  auto [a, b] = socket_pair();
  int log[2];
  REQUIRE(::pipe2(log, O_CLOEXEC) == 0);
  const int ours = ::fcntl(a.get(), F_DUPFD_CLOEXEC, 100);
  in_child([&] {
    place(ours, 0);
    place(ours, 1);
    place(log[1], 2);
    const auto connection = inetd_connection("smtp");
    (void)!::write(2, "a log line", 10);
    return std::string();
  });
  ::close(log[1]);
  char text[64];
  CHECK(std::string(text, ::read(log[0], text, sizeof text)) == "a log line");
  ::close(log[0]);
  ::close(ours);
}

TEST_CASE("UCSPI's variables name the peer of two pipes, and without them a pipe is Usage") {
  const auto run = [](bool ucspi) {
    return in_child([&] {
      int in[2];
      int out[2];
      if (::pipe(in) != 0 || ::pipe(out) != 0) return std::string("no pipe");
      (void)!::write(in[1], "EHLO x\r\n", 8);
      place(in[0], 0);
      place(out[1], 1);
      if (ucspi) {
        ::setenv("TCPREMOTEIP", "192.0.2.9", 1);
        ::setenv("TCPREMOTEPORT", "4711", 1);
        ::setenv("TCPLOCALPORT", "465", 1);
        ::setenv("TCPLOCALIP", "not an address\r\n", 1);
      }
      auto connection = inetd_connection("smtp");
      if (!connection) return std::string(name(connection.error().code()));
      const std::string role = connection->protocol + (connection->implicit_tls ? " tls " : " ");
      Stream stream = take_connection(*connection);
      const std::string read = read_once(stream);
      if (!stream.write(as_bytes("220\r\n"))) return std::string("cannot write");
      char reply[8];
      const ssize_t got = ::read(out[0], reply, sizeof reply);
      return role + stream.peer().address + ":" + std::to_string(stream.peer().port) + " at `" +
             stream.peer().local_address + "` " + read + std::string(reply, got);
    });
  };
  CHECK(run(true) == "smtps tls 192.0.2.9:4711 at `` EHLO x\r\n220\r\n");
  CHECK(run(false) == "usage");
}

TEST_CASE("A listen specification is an address, a port and perhaps TLS") {
  const auto spec = parse_listen("[::1]:465,tls");
  REQUIRE(spec);
  CHECK(spec->host == "::1");
  CHECK(spec->port == 465);
  CHECK(spec->implicit_tls);
  REQUIRE(parse_listen("127.0.0.1:0"));
  CHECK_FALSE(parse_listen("127.0.0.1:0")->implicit_tls);
  for (const char* bad :
       {"", ":25", "25", "localhost:25", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
        "::1:25", "[127.0.0.1]:25", "127.0.0.1:25,ssl", "[::1:25", "127.0.0.1:25,tls,tls"}) {
    CAPTURE(bad);
    const auto refused = parse_listen(bad);
    REQUIRE(!refused);
    CHECK(refused.error().code() == Code::Usage);
  }
}

TEST_CASE("A listener on port 0 reports its port, and an error names a port that is in use") {
  const auto first = listen_on({"127.0.0.1", 0, true}, "pop3");
  REQUIRE(first);
  CHECK(first->protocol == "pop3s");
  CHECK(first->address.starts_with("127.0.0.1:"));
  CHECK(first->address != "127.0.0.1:0");
  const auto spec = parse_listen(first->address);
  REQUIRE(spec);
  const auto second = listen_on(*spec, "pop3");
  REQUIRE(!second);
  CHECK(second.error().text().find(std::to_string(spec->port)) != std::string::npos);
}

TEST_CASE("The service manager gets the notifications; without one nothing is sent") {
  const Directory directory;
  Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = directory / "notify";
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  notify("READY=1");
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  notify("STOPPING=1");
  ::unsetenv("NOTIFY_SOCKET");
  char text[64];
  const ssize_t got = ::recv(fd.get(), text, sizeof text, MSG_DONTWAIT);
  REQUIRE(got > 0);
  CHECK(std::string(text, got) == "STOPPING=1");
  CHECK(::recv(fd.get(), text, sizeof text, MSG_DONTWAIT) < 0);
}

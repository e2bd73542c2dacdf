#include "net/serve.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <thread>

#include "base/log.h"
#include "support.h"
#include "support/await.h"

using namespace gw;
using namespace gw::net;
using namespace gw::net::test;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

Listener loopback(bool implicit_tls = false) {
  auto listener = listen_on({"127.0.0.1", 0, implicit_tls}, "smtp");
  REQUIRE(listener);
  return std::move(*listener);
}

// Runs serve() in a thread of its own and stops it in the destructor.
class Server {
 public:
  Server(ServeLimits limits, Handler handler, int listeners = 1) {
    log::open("net_tests", log::Target::Nowhere);
    std::vector<Listener> all;
    for (int i = 0; i < listeners; ++i) {
      all.push_back(loopback());
      addresses.push_back(all.back().address);
    }
    thread_ = std::thread([this, limits, handler = std::move(handler), all = std::move(all)]() mutable {
      result = serve(
          std::move(all), limits, handler, [](const Listener&) { return std::string("421 full\r\n"); },
          false);
    });
  }
  ~Server() {
    stop::request();
    if (thread_.joinable()) thread_.join();
    stop::withdraw();
  }
  void join() { thread_.join(); }
  Stream client(std::size_t listener = 0) {
    Stream stream(connect_to(addresses[listener]), Peer{});
    stream.set_timeout(10s);
    stream.finish(10s);
    return stream;
  }

  std::vector<std::string> addresses;
  Result<void> result;

 private:
  std::thread thread_;
};

// Greets, echoes, and ends when the peer does.
void echo(Stream stream, const Listener&) {
  stream.set_timeout(10s);
  if (!stream.write(as_bytes("220 hello\r\n"))) return;
  std::array<std::byte, 512> buffer;
  for (;;) {
    const auto got = stream.read(buffer);
    if (!got || *got == 0) return;
    if (!stream.write(std::span(buffer).first(*got))) return;
  }
}

}  // namespace

TEST_CASE("Behind a balancer the client in its header is the peer, and the source that is counted") {
  ServeLimits limits;
  limits.per_source = 1;
  limits.balancer = [](std::string_view peer) { return peer == "127.0.0.1"; };
  Server server(limits, [](Stream stream, const Listener& listener) {
    (void)stream.write(as_bytes(stream.peer().address + "\r\n"));
    echo(std::move(stream), listener);
  });
  const auto come = [&](const std::string& header) {
    Stream client = server.client();
    REQUIRE(client.write(as_bytes(header)));
    return client;
  };
  const std::string one = "PROXY TCP4 198.51.100.7 192.0.2.1 50000 25\r\n";
  const std::string two = "PROXY TCP4 198.51.100.8 192.0.2.1 50000 25\r\n";
  Stream first = come(one);
  CHECK(read_until(first, "hello\r\n") == "198.51.100.7\r\n220 hello\r\n");
  Stream second = come(two);
  CHECK(read_until(second, "hello\r\n") == "198.51.100.8\r\n220 hello\r\n");
  Stream third = come(one);
  CHECK(read_until(third, "\n") == "421 full\r\n");
  // The balancer's own probes are not counted.
  Stream probe = come("PROXY UNKNOWN\r\n");
  Stream again = come("PROXY UNKNOWN\r\n");
  CHECK(read_until(probe, "hello\r\n") == "127.0.0.1\r\n220 hello\r\n");
  CHECK(read_until(again, "hello\r\n") == "127.0.0.1\r\n220 hello\r\n");
  Stream wrong = come("EHLO client.example\r\n");
  CHECK(read_until(wrong, "\n").empty());
  // A place is free again when its connection ends.
  first.close();
  std::string received;
  gw::test::await("a free slot", [&] {
    Stream next = come(one);
    received = read_until(next, "\n");
    return received != "421 full\r\n";
  });
  CHECK(received == "198.51.100.7\r\n");
}

TEST_CASE("Every listener is served, and every connection separately") {
  Server server({}, echo, 3);
  std::vector<Stream> clients;
  for (int i = 0; i < 9; ++i) clients.push_back(server.client(i % 3));
  for (auto& client : clients) CHECK(read_once(client) == "220 hello\r\n");
  for (std::size_t i = clients.size(); i-- > 0;) {
    const std::string text = "line " + std::to_string(i);
    REQUIRE(clients[i].write(as_bytes(text)));
    CHECK(read_once(clients[i]) == text);
  }
}

TEST_CASE("A connection over the total is refused with a reply, and a place that is free again is used") {
  ServeLimits limits;
  limits.connections = 2;
  Server server(limits, echo);
  Stream first = server.client();
  Stream second = server.client();
  CHECK(read_once(first) == "220 hello\r\n");
  CHECK(read_once(second) == "220 hello\r\n");
  Stream third = server.client();
  CHECK(read_all(third) == "421 full\r\n");
  second.close();
  std::string greeting;
  for (int i = 0; i < 500 && greeting != "220 hello\r\n"; ++i) {
    Stream next = server.client();
    greeting = read_once(next);
  }
  CHECK(greeting == "220 hello\r\n");
}

TEST_CASE("A source has only its share of connections, unless it is exempt") {
  ServeLimits limits;
  limits.per_source = 1;
  std::atomic<bool> exempt{false};
  limits.exempt = [&](std::string_view address) { return address == "127.0.0.1" && exempt; };
  Server server(limits, echo);
  Stream first = server.client();
  CHECK(read_once(first) == "220 hello\r\n");
  Stream second = server.client();
  CHECK(read_all(second) == "421 full\r\n");
  exempt = true;
  Stream third = server.client();
  CHECK(read_once(third) == "220 hello\r\n");
}

TEST_CASE("Connections are scarce from four fifths of the total") {
  ServeLimits limits;
  limits.connections = 5;
  Server server(limits, echo);
  std::vector<Stream> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(server.client());
    CHECK(read_once(clients.back()) == "220 hello\r\n");
  }
  CHECK_FALSE(crowded());
  clients.push_back(server.client());
  CHECK(read_once(clients.back()) == "220 hello\r\n");
  CHECK(crowded());
  clients.clear();
  while (crowded()) std::this_thread::yield();
}

TEST_CASE("While connections are scarce, a source that has its tenth is refused, and others are accepted") {
  ServeLimits limits;
  limits.connections = 10;
  limits.per_source = 8;
  limits.balancer = [](std::string_view peer) { return peer == "127.0.0.1"; };
  Server server(limits, echo);
  std::vector<Stream> held;
  const auto reply_to = [&](const std::string& source) {
    held.push_back(server.client());
    REQUIRE(held.back().write(as_bytes("PROXY TCP4 " + source + " 192.0.2.1 50000 25\r\n")));
    return read_until(held.back(), "\n");
  };
  for (int i = 0; i < 7; ++i) REQUIRE(reply_to("198.51.100.7") == "220 hello\r\n");
  CHECK_FALSE(crowded());
  CHECK(reply_to("198.51.100.7") == "421 full\r\n");
  CHECK(reply_to("198.51.100.8") == "220 hello\r\n");
  CHECK(crowded());
  CHECK(reply_to("198.51.100.8") == "421 full\r\n");
  CHECK(reply_to("198.51.100.9") == "220 hello\r\n");
}

TEST_CASE("A stop refuses new connections, lets open ones finish, and then serve returns") {
  std::atomic<bool> inside{false};
  std::atomic<bool> finished{false};
  Server server({}, [&](Stream stream, const Listener&) {
    stream.finish(10s);
    inside = true;
    std::array<std::byte, 16> buffer;
    const auto got = stream.read(buffer);
    finished = got && *got == 4;
    (void)stream.write(as_bytes("250 done\r\n"));
  });
  Stream client = server.client();
  while (!inside) std::this_thread::yield();
  stop::request();
  // The listener is closed: a new connection is refused when that is done.
  const auto spec = parse_listen(server.addresses[0]);
  for (;;) {
    Fd fd(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(spec->port);
    ::inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) break;
  }
  REQUIRE(client.write(as_bytes("DATA")));
  CHECK(read_all(client) == "250 done\r\n");
  server.join();
  CHECK(finished);
  CHECK(server.result);
}

TEST_CASE("A connection that does not end within the grace period ends with the process") {
  int said[2] = {-1, -1};
  REQUIRE(::pipe2(said, O_CLOEXEC) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    log::open("net_tests", log::Target::Nowhere);
    ServeLimits limits;
    limits.grace = 100ms;
    Listener listener = loopback();
    const Fd client = connect_to(listener.address);
    std::vector<Listener> listeners;
    listeners.push_back(std::move(listener));
    const Handler stuck = [](Stream, const Listener&) {
      stop::request();
      for (;;) ::pause();
    };
    (void)serve(std::move(listeners), limits, stuck, {}, false);
    (void)!::write(said[1], "returned", 8);
    ::_exit(1);
  }
  ::close(said[1]);
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  char byte = 0;
  CHECK(::read(said[0], &byte, 1) == 0);
  ::close(said[0]);
}

TEST_CASE("An exception in a handler ends its connection only") {
  std::atomic<int> calls{0};
  Server server({}, [&](Stream stream, const Listener& listener) {
    if (calls++ == 0) throw std::bad_alloc();
    echo(std::move(stream), listener);
  });
  Stream first = server.client();
  CHECK(read_all(first).empty());
  Stream second = server.client();
  CHECK(read_once(second) == "220 hello\r\n");
}

TEST_CASE("Without free descriptors accepting pauses, and it resumes when there are some") {
  Server server({}, echo);
  Stream first = server.client();
  CHECK(read_once(first) == "220 hello\r\n");
  Fd waiting(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few{static_cast<rlim_t>(waiting.get()) + 1, before.rlim_max};
  // All descriptors below the limit must be in use, otherwise accept would find a free one.
  std::vector<Fd> fillers;
  for (Fd more(::dup(0)); more && more.get() < waiting.get(); more = Fd(::dup(0)))
    fillers.push_back(std::move(more));
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  const auto spec = parse_listen(server.addresses[0]);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(spec->port);
  ::inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
  const int connected = ::connect(waiting.get(), reinterpret_cast<sockaddr*>(&to), sizeof to);
  Stream second(std::move(waiting), Peer{});
  second.set_timeout(250ms);
  const std::string while_full = read_once(second);
  ::setrlimit(RLIMIT_NOFILE, &before);
  CHECK(connected == 0);
  CHECK(while_full == "<timed out>");
  second.set_timeout(10s);
  CHECK(read_once(second) == "220 hello\r\n");
}

TEST_CASE("SIGTERM is a stop and SIGHUP a reload, on a thread of its own") {
  stop::install();
  std::atomic<int> reloads{0};
  std::atomic<std::thread::id> where{};
  on_reload([&] {
    where = std::this_thread::get_id();
    ++reloads;
  });
  ::raise(SIGHUP);
  while (reloads == 0) std::this_thread::yield();
  CHECK(where.load() != std::this_thread::get_id());
  ::raise(SIGHUP);
  while (reloads == 1) std::this_thread::yield();
  CHECK_FALSE(stop::requested());
  ::raise(SIGTERM);
  CHECK(stop::requested());
  stop::withdraw();
  on_reload([] {});
}

TEST_CASE("After on_reload(nullptr) the former function is not called, and SIGHUP is ignored") {
  auto reloads = std::make_unique<std::atomic<int>>(0);
  std::atomic<bool> begun{false};
  on_reload([&] {
    begun = true;
    std::this_thread::sleep_for(50ms);
    ++*reloads;
  });
  ::raise(SIGHUP);
  gw::test::await("the reload to begin", [&] { return begun.load(); });
  on_reload(nullptr);
  CHECK(*reloads == 1);
  reloads.reset();
  ::raise(SIGHUP);
  // An earlier signal is not kept for the next function either.
  std::atomic<int> others{0};
  on_reload([&] { ++others; });
  ::raise(SIGHUP);
  gw::test::await("the other function", [&] { return others > 0; });
  on_reload(nullptr);
  CHECK(others == 1);
}

TEST_CASE("An IPv4 address and an IPv6 /64 are one source") {
  CHECK(source_of("192.0.2.1") == "192.0.2.1");
  CHECK(source_of("::ffff:192.0.2.1") == "192.0.2.1");
  CHECK(source_of("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::/64");
  CHECK(source_of("2001:db8:1:2:ffff::1") == source_of("2001:db8:1:2::1"));
  CHECK(source_of("2001:db8:1:3::1") != source_of("2001:db8:1:2::1"));
  CHECK(source_of("unix") == "unix");
  SourceCounter counter;
  CHECK(counter.enter("a", 2));
  CHECK(counter.enter("a", 2));
  CHECK_FALSE(counter.enter("a", 2));
  CHECK(counter.enter("b", 2));
  counter.leave("a");
  CHECK(counter.enter("a", 2));
  SourceCounter nobody;
  CHECK_FALSE(nobody.enter("a", 0));
}

TEST_CASE("A thousand idle connections cost at most 32 KiB of memory each") {
#ifdef GW_SANITIZED  // tests/faults/memory_test.py measures the servers of the release build
  return;
#endif
  const auto resident = [] {
    std::ifstream status("/proc/self/status");
    std::string word;
    long kib = 0;
    while (status >> word) {
      if (word == "VmRSS:") status >> kib;
    }
    return kib;
  };
  constexpr int kConnections = 1000;
  if (raise_descriptor_limit(1) < 2 * kConnections + 50) return;
  ServeLimits limits;
  limits.connections = kConnections + 10;
  limits.per_source = kConnections + 10;
  Server server(limits, echo);
  std::vector<Stream> clients;
  for (int i = 0; i < 10; ++i) clients.push_back(server.client());
  for (auto& client : clients) REQUIRE(read_once(client) == "220 hello\r\n");
  const long before = resident();
  for (int i = 10; i < kConnections; ++i) {
    clients.push_back(server.client());
    REQUIRE(read_once(clients.back(), 64) == "220 hello\r\n");
  }
  const long each = (resident() - before) * 1024 / kConnections;
  CAPTURE(each);
  CHECK(each <= 32 * 1024);
}

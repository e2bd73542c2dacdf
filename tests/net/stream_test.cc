#include "net/stream.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "support.h"

using namespace gw;
using namespace gw::net;
using namespace gw::net::test;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

// Returns true if a thread of this process is blocked in a system call.
bool blocked(pid_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
  std::string stat;
  std::getline(file, stat);
  return stat.find(") S ") != std::string::npos;
}

}  // namespace

TEST_CASE("Data that one side writes is read by the other, and the end is an empty read") {
  auto [a, b] = stream_pair();
  REQUIRE(a.write(as_bytes("HELO there\r\n")));
  CHECK(read_once(b) == "HELO there\r\n");
  a.close();
  CHECK(read_once(b).empty());
  CHECK(read_once(b).empty());
}

TEST_CASE("Pieces larger than one system call can send arrive in order, however slowly they are read") {
  auto [a, b] = stream_pair();
  std::vector<std::string> texts;
  for (int i = 0; i < 500; ++i)
    texts.push_back(i % 3 == 0 ? std::string() : std::string(i * 7, 'a' + i % 26));
  std::string all;
  std::vector<ByteView> pieces;
  for (const auto& text : texts) {
    all += text;
    pieces.push_back(as_bytes(text));
  }
  Result<void> written;
  std::thread writer([&, stream = &a] {
    written = stream->write(pieces);
    stream->close();
  });
  const std::string got = read_all(b);
  writer.join();
  CHECK(written);
  CHECK(got == all);
}

TEST_CASE("A read without data ends with Timeout at its deadline") {
  auto [a, b] = stream_pair();
  a.set_timeout(60ms);
  const auto begun = Clock::now();
  std::byte byte{};
  const auto got = a.read({&byte, 1});
  REQUIRE(!got);
  CHECK(got.error().code() == Code::Timeout);
  CHECK(Clock::now() - begun >= 60ms);
}

TEST_CASE("A write that the peer does not read ends with Timeout at its deadline") {
  auto [a, b] = stream_pair();
  a.set_timeout(60ms);
  const Bytes much(std::size_t{8} << 20);
  const auto done = a.write(much);
  REQUIRE(!done);
  CHECK(done.error().code() == Code::Timeout);
}

TEST_CASE("A write to a peer that has closed is Closed and raises no signal") {
  auto [a, b] = stream_pair();
  b.close();
  Result<void> done;
  for (int i = 0; i < 10 && done; ++i) done = a.write(as_bytes("x"));
  REQUIRE(!done);
  CHECK(done.error().code() == Code::Closed);
}

TEST_CASE("A stop wakes a blocked read immediately") {
  auto [a, b] = stream_pair();
  std::thread stopper([reader = ::gettid()] {
    while (!blocked(reader)) std::this_thread::yield();
    stop::request();
  });
  CHECK(read_once(a) == "<stopping>");
  stopper.join();
  const auto done = a.write(as_bytes("x"));
  REQUIRE(!done);
  CHECK(done.error().code() == Code::Closed);
  CHECK(done.error().text() == "stopping");
  stop::withdraw();
}

TEST_CASE("A stream that was told to finish continues after a stop until its grace period is over") {
  auto [a, b] = stream_pair();
  a.finish(300ms);
  std::thread stopper([stream = &b] {
    stop::request();
    stream->finish(10s);
    (void)stream->write(as_bytes("the rest"));
  });
  CHECK(read_once(a) == "the rest");
  stopper.join();
  CHECK(a.write(as_bytes("451")));
  CHECK(read_once(a) == "<stopping>");
  CHECK(Clock::now() >= stop::time() + 300ms);
  stop::withdraw();
}

TEST_CASE("A final reply is sent even if the grace period is over") {
  auto [a, b] = stream_pair();
  a.finish(1ms);
  stop::request();
  CHECK(read_once(a) == "<stopping>");
  REQUIRE_FALSE(a.write(as_bytes("too late")));
  a.allow_final_write(10s);
  CHECK(a.write(as_bytes("421")));
  a.allow_final_write(50ms);
  CHECK(read_once(a) == "<stopping>");
  stop::withdraw();
  CHECK(read_once(b) == "421");
}

TEST_CASE("pending() reports data that has arrived, but neither an end nor an idle peer") {
  auto [a, b] = stream_pair();
  CHECK_FALSE(b.pending());
  REQUIRE(a.write(as_bytes("STARTTLS\r\nMAIL FROM:<injected@example.com>\r\n")));
  CHECK(b.pending());
  CHECK(read_once(b, 10) == "STARTTLS\r\n");
  CHECK(b.pending());
  CHECK(read_once(b).starts_with("MAIL"));
  CHECK_FALSE(b.pending());
  a.close();
  CHECK_FALSE(b.pending());
}

TEST_CASE("Input and output may be two pipes, and a write larger than a pipe respects the deadline") {
  int in[2] = {-1, -1};
  int out[2] = {-1, -1};
  REQUIRE(::pipe2(in, O_CLOEXEC) == 0);
  REQUIRE(::pipe2(out, O_CLOEXEC) == 0);
  Stream stream(Fd{in[0]}, Fd{out[1]}, Peer{});
  Stream other(Fd{out[0]}, Fd{in[1]}, Peer{});
  REQUIRE(other.write(as_bytes("QUIT\r\n")));
  CHECK(stream.pending());
  CHECK(read_once(stream) == "QUIT\r\n");
  REQUIRE(stream.write(as_bytes("221\r\n")));
  CHECK(read_once(other) == "221\r\n");

  stream.set_timeout(60ms);
  const Bytes much(std::size_t{1} << 20);
  const auto done = stream.write(much);
  REQUIRE(!done);
  CHECK(done.error().code() == Code::Timeout);
  CHECK((::fcntl(in[0], F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE(
    "A line that is typed at a terminal arrives with CRLF, and a terminal in raw mode passes bytes on as "
    "they are") {
  const Fd keyboard(::posix_openpt(O_RDWR | O_NOCTTY));
  REQUIRE(keyboard);
  REQUIRE(::grantpt(keyboard.get()) == 0);
  REQUIRE(::unlockpt(keyboard.get()) == 0);
  const auto terminal = [&] { return Fd(::open(::ptsname(keyboard.get()), O_RDWR | O_NOCTTY)); };
  const auto type = [&](std::string_view text) {
    return ::write(keyboard.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  };
  {
    Stream stream(terminal(), terminal(), Peer{});
    REQUIRE(type("USER joe\n"));
    std::string got;
    while (!got.ends_with('\r')) got += read_once(stream);
    CHECK(stream.pending());
    CHECK(got + read_once(stream) == "USER joe\r\n");
    CHECK_FALSE(stream.pending());
    REQUIRE(type("\x04"));  // the end of input
    CHECK(read_once(stream).empty());
  }
  const Fd held = terminal();
  termios mode{};
  REQUIRE(::tcgetattr(held.get(), &mode) == 0);
  ::cfmakeraw(&mode);
  REQUIRE(::tcsetattr(held.get(), TCSANOW, &mode) == 0);
  Stream raw(terminal(), terminal(), Peer{});
  REQUIRE(type("a\nb\r\n"));
  CHECK(read_once(raw) == "a\nb\r\n");
}

TEST_CASE("A final reply arrives although the peer had sent more than was read") {
  auto listener = listen_on({"127.0.0.1", 0, false}, "smtp");
  REQUIRE(listener);
  Fd client = connect_to(listener->address);
  Fd server(::accept(listener->socket.get(), nullptr, nullptr));
  REQUIRE(server);
  Stream a(std::move(client), Peer{});
  Stream b(std::move(server), Peer{});
  REQUIRE(a.write(as_bytes(std::string(10'000, 'x'))));
  REQUIRE(read_once(b, 10).size() == 10);
  REQUIRE(b.write(as_bytes("421 4.7.0 go away\r\n")));
  b.close();
  CHECK(read_all(a) == "421 4.7.0 go away\r\n");
}

TEST_CASE("A lingering close discards what the peer still sends, within its limits") {
  auto listener = listen_on({"127.0.0.1", 0, false}, "http");
  REQUIRE(listener);
  Fd client = connect_to(listener->address);
  Fd server(::accept(listener->socket.get(), nullptr, nullptr));
  REQUIRE(server);
  Stream a(std::move(client), Peer{});
  Stream b(std::move(server), Peer{});
  const auto begun = std::chrono::steady_clock::now();
  SECTION("until the peer closes") {
    REQUIRE(b.write(as_bytes("413 too much\r\n")));
    std::thread closing([&] { b.close_lingering(); });
    for (int i = 0; i < 20; ++i) {
      CHECK(a.write(as_bytes(std::string(4000, 'x'))));
      std::this_thread::sleep_for(2ms);
    }
    CHECK(read_all(a) == "413 too much\r\n");
    a.close();
    closing.join();
    CHECK(std::chrono::steady_clock::now() - begun < 2s);
  }
  SECTION("for a time") {
    b.close_lingering();
    CHECK(std::chrono::steady_clock::now() - begun < 8s);
  }
  SECTION("up to a size") {
    std::thread closing([&] { b.close_lingering(); });
    while (a.write(as_bytes(std::string(4000, 'x')))) {
    }
    closing.join();
  }
  SECTION("not after a stop") {
    stop::request();
    b.close_lingering();
    stop::withdraw();
    CHECK(std::chrono::steady_clock::now() - begun < 2s);
  }
}

TEST_CASE("A peer is named by its address, an IPv4-mapped address as IPv4") {
  auto listener = listen_on({"::", 0, false}, "smtp");
  if (!listener) return;  // a machine without IPv6
  const std::string port = listener->address.substr(listener->address.rfind(':') + 1);
  Fd client = connect_to("127.0.0.1:" + port);
  Fd server(::accept(listener->socket.get(), nullptr, nullptr));
  const Peer peer = peer_of(server.get());
  CHECK(peer.address == "127.0.0.1");
  CHECK(peer.local_address == "127.0.0.1");
  CHECK(std::to_string(peer.local_port) == port);
  CHECK(peer.port == peer_of(client.get()).local_port);
  CHECK(peer.loopback());
  CHECK_FALSE(Peer{"192.0.2.1", 0, "", 0}.loopback());
  CHECK_FALSE(Peer{}.loopback());
}

#include "daemon/metrics_socket.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>

#include "base/text.h"
#include "net/serve.h"
#include "support/await.h"

using namespace gw;
using namespace gw::daemon;

namespace {

std::atomic<int> signals = 0;

struct Served {
  std::string path = std::filesystem::temp_directory_path() / ("gw-metrics-" + std::to_string(::getpid()));
  std::atomic<int> asked = 0;
  std::atomic<bool> away = false;
  std::optional<MetricsSocket> socket;

  Served() {
    net::stop::install();
    (void)::unlink(path.c_str());
    Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address = place();
    REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener.get(), 16) == 0);
    socket.emplace(std::move(listener), path, [this]() -> Result<std::string> {
      ++asked;
      if (away) return Error(Code::Unavailable, "away");
      return "gw_number " + std::to_string(asked) + "\n# EOF\n";
    });
  }
  sockaddr_un place() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
  }
  Fd connect() const {
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address = place();
    REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return fd;
  }
  static std::string answer(const Fd& fd) {
    std::string all;
    std::array<char, 4096> buffer;
    for (;;) {
      const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
      if (got <= 0) return all;
      all.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }
  std::string ask(std::string_view head) const {
    const Fd fd = connect();
    (void)!::write(fd.get(), head.data(), head.size());
    return answer(fd);
  }
  static std::string status(const std::string& answer) { return answer.substr(0, answer.find("\r\n")); }
};

}  // namespace

TEST_CASE("GET /metrics returns the numbers, and the connection ends") {
  Served served;
  const std::string answer = served.ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(Served::status(answer) == "HTTP/1.1 200 OK");
  CHECK(answer.find("Content-Type: application/openmetrics-text; version=1.0.0") != std::string::npos);
  CHECK(answer.find("Content-Length: 18\r\n") != std::string::npos);
  CHECK(answer.ends_with("\r\n\r\ngw_number 1\n# EOF\n"));
}

TEST_CASE("Clients that ask at the same time get the same numbers") {
  Served served;
  for (int i = 0; i < 5; ++i) served.ask("GET /metrics HTTP/1.0\r\n\r\n");
  CHECK(served.asked <= 2);  // a second may have passed
}

TEST_CASE("Every other request is refused") {
  Served served;
  CHECK(Served::status(served.ask("GET / HTTP/1.1\r\n\r\n")) == "HTTP/1.1 404 Not Found");
  CHECK(Served::status(served.ask("GET /metrics/ HTTP/1.1\r\n\r\n")) == "HTTP/1.1 404 Not Found");
  CHECK(Served::status(served.ask("POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")) ==
        "HTTP/1.1 405 Method Not Allowed");
  CHECK(Served::status(served.ask("EHLO\r\n\r\n")) == "HTTP/1.1 400 Bad Request");
  CHECK(Served::status(served.ask("GET /metrics SPDY/9\r\n\r\n")) == "HTTP/1.1 400 Bad Request");
  CHECK(served.asked == 0);
  served.away = true;
  CHECK(Served::status(served.ask("GET /metrics HTTP/1.1\r\n\r\n")) == "HTTP/1.1 503 Service Unavailable");
}

TEST_CASE("A head without an end and a silent client are disconnected, and the next client is served") {
  Served served;
  CHECK(served.ask("GET /metrics HTTP/1.1\r\nX: " + std::string(10'000, 'a')).empty());
  const Fd silent = served.connect();
  const Fd half = served.connect();
  REQUIRE(::shutdown(half.get(), SHUT_WR) == 0);
  CHECK(Served::status(served.ask("GET /metrics HTTP/1.1\r\n\r\n")) == "HTTP/1.1 200 OK");
  CHECK(Served::answer(silent).empty());
}

TEST_CASE("The socket ends with its owner, a silent connection or not") {
  Served served;
  const Fd silent = served.connect();
  served.socket.reset();
  CHECK_FALSE(std::filesystem::exists(served.path));
}

TEST_CASE("A signal that interrupts the wait for a connection does not keep the socket from ending") {
  struct sigaction action {
  }, before{};
  action.sa_handler = [](int) { ++signals; };
  action.sa_flags = SA_RESTART;
  REQUIRE(::sigaction(SIGUSR1, &action, &before) == 0);
  {
    Served served;
    REQUIRE(Served::status(served.ask("GET /metrics HTTP/1.1\r\n\r\n")) == "HTTP/1.1 200 OK");
    // Only the thread of the socket takes the signal.
    sigset_t one, old;
    ::sigemptyset(&one);
    ::sigaddset(&one, SIGUSR1);
    REQUIRE(::pthread_sigmask(SIG_BLOCK, &one, &old) == 0);
    for (int i = 0; i < 20; ++i) {
      const int seen = signals;
      REQUIRE(::kill(::getpid(), SIGUSR1) == 0);
      test::await("the signal to arrive", [&] { return signals > seen; });
    }
    served.socket.reset();
    REQUIRE(::pthread_sigmask(SIG_SETMASK, &old, nullptr) == 0);
  }
  REQUIRE(::sigaction(SIGUSR1, &before, nullptr) == 0);
  CHECK(signals >= 20);
}

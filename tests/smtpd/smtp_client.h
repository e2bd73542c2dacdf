// An SMTP client on one end of a socket pair; a thread serves the other end.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "base/fd.h"
#include "smtpd/server.h"

namespace gw::test {

class SmtpClient {
 public:
  using Serve = std::function<void(net::Stream)>;

  explicit SmtpClient(const smtpd::SmtpService& service, std::string peer = "192.0.2.1",
                      std::string_view early = {})
      : SmtpClient([&service](net::Stream stream) { smtpd::serve_smtp(std::move(stream), {}, service); },
                   std::move(peer), early) {}
  explicit SmtpClient(Serve serve, std::string peer = "192.0.2.1", std::string_view early = {}) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    socket_ = Fd(ends[0]);
    send(early);
    net::Peer from;
    from.address = std::move(peer);
    server_ = std::thread([server = Fd(ends[1]), from, serve = std::move(serve)]() mutable {
      serve(net::Stream(std::move(server), from));
    });
  }
  SmtpClient(const SmtpClient&) = delete;
  SmtpClient& operator=(const SmtpClient&) = delete;
  ~SmtpClient() { end(); }

  void send(std::string_view data) {
    while (!data.empty()) {
      const ssize_t sent = ::send(socket_.get(), data.data(), data.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // the server has closed; the test checks what it had sent
      data.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  // Returns the next complete reply, its lines joined with `|`, or an empty text if the connection has ended.
  std::string reply() {
    std::string whole;
    for (;;) {
      std::size_t end;
      while ((end = received_.find("\r\n")) == std::string::npos)
        if (!receive()) return {};
      const std::string line = received_.substr(0, end);
      received_.erase(0, end + 2);
      whole += whole.empty() ? line : "|" + line;
      if (line.size() < 4 || line[3] != '-') return whole;
    }
  }
  std::string ask(std::string_view command) {
    send(std::string(command) + "\r\n");
    return reply();
  }
  // Reads the greeting and sends EHLO and MAIL.
  void begin() {
    REQUIRE(reply().substr(0, 4) == "220 ");
    REQUIRE(ask("EHLO client.example").substr(0, 4) == "250-");
    REQUIRE(ask("MAIL FROM:<sender@example.com>").substr(0, 4) == "250 ");
  }

  void stop_sending() { ::shutdown(socket_.get(), SHUT_WR); }
  // Closes and waits until the server has finished.
  void end() {
    socket_.reset();
    if (server_.joinable()) server_.join();
  }
  void wait() {
    if (server_.joinable()) server_.join();
  }

 private:
  bool receive() {
    pollfd ready{socket_.get(), POLLIN, 0};
    REQUIRE(::poll(&ready, 1, 20'000) == 1);
    char piece[4096];
    const ssize_t got = ::recv(socket_.get(), piece, sizeof piece, 0);
    if (got <= 0) return false;
    received_.append(piece, static_cast<std::size_t>(got));
    return true;
  }

  Fd socket_;
  std::string received_;
  std::thread server_;
};

}  // namespace gw::test

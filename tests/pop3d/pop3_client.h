// A POP3 client on one end of a socket pair; a thread serves the other end.
#pragma once

#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "pop3d/server.h"

namespace gw::test {

class Pop3Client {
 public:
  explicit Pop3Client(const pop3d::Pop3Service& service, std::string peer = "unix", bool implicit_tls = false)
      : Pop3Client([&service, implicit_tls](
                       net::Stream stream) { pop3d::serve_pop3(std::move(stream), implicit_tls, service); },
                   std::move(peer)) {}
  // For any server.
  explicit Pop3Client(std::function<void(net::Stream)> serve, std::string peer = "unix") {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    stream_.emplace(Fd(ends[0]), net::Peer{});
    stream_->set_timeout(std::chrono::seconds(30));
    net::Peer from;
    from.address = std::move(peer);
    server_ = std::thread([server = Fd(ends[1]), from, serve = std::move(serve)]() mutable {
      serve(net::Stream(std::move(server), from));
    });
  }
  Pop3Client(const Pop3Client&) = delete;
  Pop3Client& operator=(const Pop3Client&) = delete;
  ~Pop3Client() { end(); }

  net::Stream& stream() { return *stream_; }
  // Errors are ignored: tests check what the server replies.
  void send(std::string_view data) { (void)stream_->write(as_bytes(data)).has_value(); }

  // Returns the next line without its CRLF, or `(closed)` if the connection ends before its end.
  std::string line() {
    for (;;) {
      const std::size_t end = received_.find("\r\n", at_);
      if (end != std::string::npos) {
        std::string found = received_.substr(at_, end - at_);
        at_ = end + 2;
        return found;
      }
      if (!receive()) return "(closed)";
    }
  }
  // Returns the lines up to the final dot, without dot-stuffing, each
  // with its CRLF. It ends with `(closed)` if no final dot was received.
  std::string text() {
    std::string all;
    for (;;) {
      std::string next = line();
      if (next == ".") return all;
      if (next == "(closed)") return all + next;
      if (next.starts_with('.')) next.erase(0, 1);
      all += next + "\r\n";
    }
  }
  std::string ask(std::string_view command) {
    send(std::string(command) + "\r\n");
    return line();
  }
  std::string retrieve(std::size_t number) {
    const std::string status = ask("RETR " + std::to_string(number));
    return status.starts_with("+OK") ? text() : status;
  }
  // Reads the greeting and sends USER and PASS. Returns the reply to PASS.
  std::string log_in(std::string_view user, std::string_view password) {
    if (const std::string greeting = line(); !greeting.starts_with("+OK")) return greeting;
    ask("USER " + std::string(user));
    return ask("PASS " + std::string(password));
  }
  bool closed() { return line() == "(closed)"; }

  // Closes this side and waits until the server has finished.
  void end() {
    stream_->close();
    wait();
  }
  void wait() {
    if (server_.joinable()) server_.join();
  }

 private:
  bool receive() {
    if (at_ > (1U << 20)) {
      received_.erase(0, at_);
      at_ = 0;
    }
    std::vector<std::byte> data(1 << 16);
    const Result<std::size_t> got = stream_->read(data);
    if (!got || *got == 0) return false;
    received_ += as_text(ByteView(data).first(*got));
    return true;
  }

  std::optional<net::Stream> stream_;
  std::thread server_;
  std::string received_;
  std::size_t at_ = 0;
};

}  // namespace gw::test

// An SMTP server for tests of gw-proxy. It keeps
// what it receives and misbehaves as a test wants.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "net/listener.h"
#include "net/stream.h"

namespace gw::test {

class FakeSmtp {
 public:
  // Set before the first connection.
  std::string greeting = "220 fake\r\n";
  std::string extensions = "250-fake\r\n250-AUTH PLAIN\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n";
  // Called before each command, and with `.` at the end of a message, in any thread. Returns a reply that
  // replaces the server's own; `(close)` closes after it, and an empty text sends nothing.
  std::function<std::optional<std::string>(const std::string& command)> instead;

  FakeSmtp() {
    auto listener = net::listen_on({"127.0.0.1", 0, false}, "smtp");
    REQUIRE(listener);
    listener_ = std::move(*listener);
    port_ = net::parse_listen(listener_.address).value().port;
    acceptor_ = std::thread([this] { accept_all(); });
  }
  FakeSmtp(const FakeSmtp&) = delete;
  FakeSmtp& operator=(const FakeSmtp&) = delete;
  ~FakeSmtp() {
    stopping_ = true;
    acceptor_.join();
    for (std::thread& thread : sessions_) thread.join();
  }

  std::uint16_t port() const { return port_; }
  std::size_t open() const { return open_; }
  std::size_t accepted() const { return accepted_; }
  std::vector<std::string> commands() const { return copy_of(commands_); }
  std::vector<std::string> mails() const { return copy_of(mails_); }  // those that ended with their final dot

 private:
  std::vector<std::string> copy_of(const std::vector<std::string>& all) const {
    const std::lock_guard lock(mutex_);
    return all;
  }

  void accept_all() {
    while (!stopping_) {
      pollfd item{listener_.socket.get(), POLLIN, 0};
      if (::poll(&item, 1, 5) <= 0) continue;
      Fd fd(::accept4(listener_.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!fd) continue;
      ++open_;
      ++accepted_;
      sessions_.emplace_back([this, socket = std::move(fd)]() mutable {
        net::Stream stream(std::move(socket), {});
        stream.set_timeout(std::chrono::seconds(20));
        stream.finish(std::chrono::seconds(20));  // only the tested program obeys a stop
        serve(stream);
        stream.close();
        --open_;
      });
    }
  }

  bool read(net::Stream& stream, std::string& input) {
    std::array<std::byte, 4096> data;
    const auto got = stream.read(data);
    if (!got || *got == 0) return false;
    input += as_text(ByteView(data).first(*got));
    return true;
  }

  void serve(net::Stream& stream) {
    std::string input;
    const auto say = [&](std::string text) {
      const bool close = text.ends_with("(close)");
      if (close) text.erase(text.size() - 7);
      return (text.empty() || stream.write(as_bytes(text)).has_value()) && !close;
    };
    if (!say(greeting)) return;
    for (;;) {
      std::size_t end;
      while ((end = input.find("\r\n")) == std::string::npos)
        if (!read(stream, input)) return;
      const std::string command = input.substr(0, end);
      input.erase(0, end + 2);
      if (!say(answer(command))) return;
      if (command == "QUIT") return;
      if (command != "DATA" || refused_) continue;
      if (!take_mail(stream, input) || !say(answer("."))) return;
    }
  }

  std::string answer(const std::string& command) {
    {
      const std::lock_guard lock(mutex_);
      commands_.push_back(command);
    }
    refused_ = false;
    if (instead) {
      if (auto other = instead(command)) {
        refused_ = true;
        return *other;
      }
    }
    if (command.starts_with("EHLO ")) return extensions;
    if (command == "DATA") return "354 go on\r\n";
    if (command.starts_with("AUTH ")) return "235 2.7.0 welcome\r\n";
    return "250 2.0.0 fine\r\n";
  }

  bool take_mail(net::Stream& stream, std::string& input) {
    std::string wire = "\r\n" + std::exchange(input, {});
    std::size_t end;
    while ((end = wire.find("\r\n.\r\n")) == std::string::npos)
      if (!read(stream, wire)) return false;
    input = wire.substr(end + 5);
    std::string mail = wire.substr(2, end);
    for (std::size_t at = mail.starts_with("..") ? 0 : mail.find("\r\n.."); at != std::string::npos;
         at = mail.find("\r\n..", at + 1))
      mail.erase(at == 0 ? 0 : at + 2, 1);
    const std::lock_guard lock(mutex_);
    mails_.push_back(std::move(mail));
    return true;
  }

  mutable std::mutex mutex_;
  std::vector<std::string> commands_;
  std::vector<std::string> mails_;
  net::Listener listener_;
  std::uint16_t port_ = 0;
  std::atomic<bool> refused_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> open_{0};
  std::atomic<std::size_t> accepted_{0};
  std::thread acceptor_;
  std::vector<std::thread> sessions_;
};

}  // namespace gw::test

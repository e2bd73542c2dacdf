// A POP3 server for tests of gw-proxy. It keeps its
// mails in memory and misbehaves as a test wants.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/text.h"
#include "net/listener.h"
#include "net/stream.h"
#include "net/tls.h"
#include "wire/dot_writer.h"

namespace gw::test {

class FakePop3 {
 public:
  struct Mail {
    std::string uidl;
    std::string content;  // ends with CRLF, or is empty
  };

  // Set before the first connection.
  std::string greeting = "+OK fake <1@fake>\r\n";
  std::string capabilities =
      "TOP\r\nUIDL\r\nUSER\r\nRESP-CODES\r\nSASL PLAIN LOGIN XOAUTH2 SCRAM-SHA-256\r\nSTLS\r\n";
  bool has_uidl = true;
  std::shared_ptr<const net::ServerTls> tls;
  // Called before each command, in any thread. Its result replaces the reply; `(close)` closes after it.
  std::function<std::optional<std::string>(const std::string& command)> instead;

  explicit FakePop3(std::vector<Mail> mails = {}) : mails_(std::move(mails)) {
    auto listener = net::listen_on({"127.0.0.1", 0, false}, "pop3");
    REQUIRE(listener);
    listener_ = std::move(*listener);
    const auto spec = net::parse_listen(listener_.address);
    REQUIRE(spec);
    port_ = spec->port;
    acceptor_ = std::thread([this] { accept_all(); });
  }
  FakePop3(const FakePop3&) = delete;
  FakePop3& operator=(const FakePop3&) = delete;
  ~FakePop3() {
    stopping_ = true;
    acceptor_.join();
    for (std::thread& thread : sessions_) thread.join();
  }

  std::uint16_t port() const { return port_; }
  std::vector<Mail> mails() const {
    const std::lock_guard lock(mutex_);
    return mails_;
  }
  void set_mails(std::vector<Mail> mails) {
    const std::lock_guard lock(mutex_);
    mails_ = std::move(mails);
  }
  // Returns all commands of all sessions in order; secrets are in clear text.
  std::vector<std::string> commands() const {
    const std::lock_guard lock(mutex_);
    return commands_;
  }
  std::size_t count(std::string_view command) const {
    std::size_t n = 0;
    for (const std::string& each : commands()) n += each == command ? 1 : 0;
    return n;
  }
  std::size_t open() const { return open_; }
  std::size_t accepted() const { return accepted_; }

 private:
  struct Session {
    net::Stream stream;
    std::string input{};
    std::vector<Mail> mails{};
    std::set<std::size_t> deleted{};
    std::string exchange{};
  };

  void accept_all() {
    while (!stopping_) {
      pollfd item{listener_.socket.get(), POLLIN, 0};
      if (::poll(&item, 1, 5) <= 0) continue;
      Fd fd(::accept4(listener_.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!fd) continue;
      ++open_;
      ++accepted_;
      sessions_.emplace_back([this, socket = std::move(fd)]() mutable {
        Session session{net::Stream(std::move(socket), {})};
        session.stream.set_timeout(std::chrono::seconds(20));
        session.stream.finish(std::chrono::seconds(20));  // only the tested program obeys a stop
        serve(session);
        session.stream.close();
        --open_;
      });
    }
  }

  static bool say(Session& session, std::string_view text) {
    return session.stream.write(as_bytes(text)).has_value();
  }

  std::optional<std::string> line(Session& session) {
    for (;;) {
      const std::size_t end = session.input.find("\r\n");
      if (end != std::string::npos) {
        std::string found = session.input.substr(0, end);
        session.input.erase(0, end + 2);
        return found;
      }
      std::array<std::byte, 4096> data;
      const auto got = session.stream.read(data);
      if (!got || *got == 0) return std::nullopt;
      session.input += as_text(ByteView(data).first(*got));
    }
  }

  void serve(Session& session) {
    if (!say(session, greeting)) return;
    while (const auto command = line(session)) {
      {
        const std::lock_guard lock(mutex_);
        commands_.push_back(*command);
      }
      if (instead) {
        if (auto other = instead(*command)) {
          const bool close = other->ends_with("(close)");
          if (close) other->erase(other->size() - 7);
          if (!say(session, *other) || close) return;
          continue;
        }
      }
      if (!obey(session, *command)) return;
    }
  }

  static std::string stuffed(std::string_view content) {
    wire::DotWriter writer;
    Bytes out;
    writer.write(as_bytes(content), out);
    writer.finish(out);
    return std::string(as_text(out));
  }

  bool obey(Session& session, const std::string& command) {
    const std::string verb = upper(command.substr(0, command.find(' ')));
    const std::vector<std::string_view> words = split(command, ' ');
    const std::size_t number = words.size() < 2 ? 0 : parse_number(words[1]).value_or(0);
    const bool there = number >= 1 && number <= session.mails.size() && !session.deleted.contains(number);
    if (!session.exchange.empty()) {
      // LOGIN has two messages.
      if (std::exchange(session.exchange, session.exchange == "LOGIN" ? "last" : "") == "LOGIN")
        return say(session, "+ UGFzc3dvcmQ6\r\n");
      return log_in(session);
    }
    if (verb == "CAPA") return say(session, "+OK\r\n" + capabilities + ".\r\n");
    if (verb == "USER") return say(session, "+OK name\r\n");
    if (verb == "PASS") {
      if (command == "PASS wrong") return say(session, "-ERR [AUTH] no\r\n");
      return log_in(session);
    }
    if (verb == "AUTH") {
      session.exchange = command.substr(5);
      return say(session, session.exchange == "LOGIN" ? "+ VXNlcm5hbWU6\r\n" : "+ \r\n");
    }
    if (verb == "STLS" && tls) {
      return say(session, "+OK go\r\n") &&
             session.stream.accept_tls(*tls, std::chrono::seconds(10)).has_value();
    }
    if (verb == "STAT") return say(session, "+OK " + std::to_string(session.mails.size()) + " 1000\r\n");
    if (verb == "NOOP" || verb == "RSET") {
      if (verb == "RSET") session.deleted.clear();
      return say(session, "+OK done\r\n");
    }
    if ((verb == "UIDL" && has_uidl) || verb == "LIST") {
      const auto about = [&](std::size_t n) {
        return std::to_string(n) + " " +
               (verb == "UIDL" ? session.mails[n - 1].uidl
                               : std::to_string(session.mails[n - 1].content.size()));
      };
      if (command.size() > 4) return say(session, there ? "+OK " + about(number) + "\r\n" : "-ERR none\r\n");
      std::string all = "+OK\r\n";
      for (std::size_t n = 1; n <= session.mails.size(); ++n)
        if (!session.deleted.contains(n)) all += about(n) + "\r\n";
      return say(session, all + ".\r\n");
    }
    if (verb == "RETR" || verb == "TOP") {
      if (!there) return say(session, "-ERR no such message\r\n");
      return say(session, "+OK octets\r\n" + stuffed(session.mails[number - 1].content));
    }
    if (verb == "DELE") {
      if (!there) return say(session, "-ERR no such message\r\n");
      session.deleted.insert(number);
      return say(session, "+OK gone\r\n");
    }
    if (verb == "QUIT") {
      const std::lock_guard lock(mutex_);
      std::vector<Mail> left;
      for (std::size_t n = 1; n <= session.mails.size(); ++n)
        if (!session.deleted.contains(n)) left.push_back(session.mails[n - 1]);
      mails_ = left;
      (void)say(session, "+OK bye\r\n");
      return false;
    }
    return say(session, "-ERR unknown\r\n");
  }

  bool log_in(Session& session) {
    session.mails = mails();
    return say(session, "+OK welcome\r\n");
  }

  mutable std::mutex mutex_;
  std::vector<Mail> mails_;
  std::vector<std::string> commands_;
  net::Listener listener_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> open_{0};
  std::atomic<std::size_t> accepted_{0};
  std::thread acceptor_;
  std::vector<std::thread> sessions_;
};

}  // namespace gw::test

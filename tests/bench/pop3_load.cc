// Drains a mailbox by POP3 for benchmarks: one connection,
// with or without TLS, pipelined to a given depth.
//   pop3_load HOST:PORT tls|plain USER PASSWORD-FILE DEPTH lists|retr|drain [EXPECTED-MESSAGES]
// `lists` sends STAT, LIST and UIDL; `retr` fetches all messages; `drain` fetches and
// deletes all messages, sends QUIT and waits for its +OK. Prints one JSON object:
// messages, bytes, and the seconds since the reply to the login.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/file.h"

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "pop3_load: %s\n", what.c_str());
  std::exit(1);
}

class Client {
 public:
  Client(const std::string& where, bool tls) : buffer_(1 << 18) {
    const std::size_t colon = where.find(':');
    fd_ = gw::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(where.c_str() + colon + 1)));
    ::inet_pton(AF_INET, where.substr(0, colon).c_str(), &address.sin_addr);
    if (::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      fail("cannot connect");
    const int on = 1;
    ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!tls) return;
    ssl_ = SSL_new(SSL_CTX_new(TLS_client_method()));
    SSL_set_fd(ssl_, fd_.get());
    if (SSL_connect(ssl_) != 1) fail("no TLS");
  }

  void send(const std::string& text) {
    std::size_t sent = 0;
    while (sent < text.size()) {
      const ssize_t n = ssl_ != nullptr
                            ? SSL_write(ssl_, text.data() + sent, static_cast<int>(text.size() - sent))
                            : ::send(fd_.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) fail("cannot send");
      sent += static_cast<std::size_t>(n);
    }
  }

  // Returns one line without its CRLF; it is valid until the next call.
  std::string_view line() {
    for (;;) {
      const void* end = std::memchr(buffer_.data() + begin_, '\n', end_ - begin_);
      if (end != nullptr) {
        const auto stop = static_cast<std::size_t>(static_cast<const char*>(end) - buffer_.data());
        const std::string_view text(buffer_.data() + begin_, stop - begin_ - (stop > begin_ ? 1 : 0));
        begin_ = stop + 1;
        return text;
      }
      fill();
    }
  }

  std::string_view reply() {
    const std::string_view text = line();
    if (text.substr(0, 3) != "+OK") fail("refused: " + std::string(text));
    return text;
  }

  // Reads a multi-line response after its +OK. Returns its size in bytes without dot-stuffing.
  std::size_t multi_line() {
    reply();
    std::size_t size = 0;
    for (;;) {
      const std::string_view text = line();
      if (text == ".") return size;
      size += text.size() + 2 - (text.substr(0, 1) == "." ? 1 : 0);
    }
  }

 private:
  void fill() {
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (end_ == buffer_.size()) buffer_.resize(buffer_.size() * 2);
    const std::size_t room = buffer_.size() - end_;
    const ssize_t n = ssl_ != nullptr ? SSL_read(ssl_, buffer_.data() + end_, static_cast<int>(room))
                                      : ::recv(fd_.get(), buffer_.data() + end_, room, 0);
    if (n <= 0) fail("the server closed the connection");
    end_ += static_cast<std::size_t>(n);
  }

  gw::Fd fd_;
  SSL* ssl_ = nullptr;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 7)
    fail("usage: pop3_load HOST:PORT tls|plain USER PASSWORD-FILE DEPTH lists|retr|drain [EXPECTED]");
  const auto password = gw::read_file(argv[4]);
  if (!password) fail(password.error().text());
  const long depth = std::max(1L, std::atol(argv[5]));
  const std::string what = argv[6];
  Client client(argv[1], std::string(argv[2]) == "tls");
  client.reply();
  client.send(std::string("USER ") + argv[3] + "\r\n");
  client.reply();
  client.send("PASS " + password->substr(0, password->find('\n')) + "\r\n");
  client.reply();

  const auto start = Clock::now();
  client.send("STAT\r\n");
  const long messages = std::atol(std::string(client.reply().substr(4)).c_str());
  if (argc > 7 && messages != std::atol(argv[7]))
    fail("the mailbox has " + std::to_string(messages) + " messages");
  std::size_t size = 0;
  // Keeps between `depth / 2` and `depth` commands in flight.
  const auto pipeline = [&](const char* verb, bool multi_line) {
    long asked = 0;
    for (long answered = 0; answered < messages; ++answered) {
      if (asked - answered <= depth / 2 && asked < messages) {
        std::string commands;
        for (; asked < messages && asked - answered < depth; ++asked)
          commands += verb + std::to_string(asked + 1) + "\r\n";
        client.send(commands);
      }
      if (multi_line)
        size += client.multi_line();
      else
        client.reply();
    }
  };
  if (what == "lists") {
    client.send("LIST\r\nUIDL\r\n");
    size += client.multi_line();
    size += client.multi_line();
  } else {
    pipeline("RETR ", true);
    if (what == "drain") {
      pipeline("DELE ", false);
      client.send("QUIT\r\n");
      client.reply();
    }
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::printf("{\"messages\":%ld,\"bytes\":%zu,\"seconds\":%.6f,\"rate\":%.1f}\n", messages, size, seconds,
              static_cast<double>(messages) / seconds);
  return 0;
}

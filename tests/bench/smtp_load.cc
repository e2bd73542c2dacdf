// An SMTP (or LMTP) client for benchmarks: N connections, one thread, commands pipelined (RFC 2920).
//
//   smtp_load HOST:PORT CONNECTIONS MESSAGES BYTES RECIPIENT [OPTION…]
//
//   lmtp         speaks LMTP
//   starttls     starts TLS on each connection, without session resumption and without checking the
//                certificate
//   each=N       ends a connection with QUIT after N messages and opens another one
//
// Prints one JSON object: messages acknowledged, seconds from the first command to the last reply,
// latency quantiles of a message from MAIL to the reply to its body. The program ends with status 1
// if a message is not acknowledged with 2xx.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"

namespace {

using Clock = std::chrono::steady_clock;

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

struct Connection {
  gw::Fd fd;
  std::unique_ptr<SSL, FreeSsl> tls;
  std::string in;        // bytes of replies that are not complete
  std::string_view out;  // what this step sends
  std::size_t sent = 0;
  int awaited = 1;           // replies until the next step
  long messages = 0;         // sent on this connection
  bool wants_write = false;  // the socket did not accept everything
  enum { Banner, StartTls, Handshake, Hello, Commands, Body, Quit, Done } at = Banner;
  Clock::time_point began;
};

struct Plan {
  std::string hello, commands, body;
  std::string start_tls = "STARTTLS\r\n", quit = "QUIT\r\n";
  bool tls = false;
  long left = 0;  // messages that no connection has begun
  long each = 0;  // messages of a connection; 0: any number
  long acknowledged = 0;
  std::vector<double> latencies;
};

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "smtp_load: %s\n", what.c_str());
  std::exit(1);
}

gw::Fd connect_to(const std::string& host, int port) {
  gw::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("cannot connect");
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  return fd;
}

// Removes complete replies from the front of `in`, at most `most`. Returns how many.
int take_replies(std::string& in, int most) {
  int replies = 0;
  std::size_t begin = 0;
  while (replies < most) {
    const std::size_t end = in.find("\r\n", begin);
    if (end == std::string::npos) break;
    if (end - begin == 3 || (end - begin > 3 && in[begin + 3] == ' ')) {
      ++replies;
      if (in[begin] >= '4') fail("refused: " + in.substr(begin, end - begin));
    }
    begin = end + 2;
  }
  in.erase(0, begin);
  return replies;
}

void send_next(Connection& c, decltype(c.at) at, std::string_view out, int awaited = 1) {
  c.at = at;
  c.out = out;
  c.sent = 0;
  c.awaited = awaited;
}

// Continues after the awaited replies have been received.
void next_step(Connection& c, Plan& plan) {
  switch (c.at) {
    case Connection::Banner:
      if (plan.tls) return send_next(c, Connection::StartTls, plan.start_tls);
      return send_next(c, Connection::Hello, plan.hello);
    case Connection::StartTls:
      return send_next(c, Connection::Handshake, {}, 0);
    case Connection::Handshake:
      return send_next(c, Connection::Hello, plan.hello);
    case Connection::Commands:
      return send_next(c, Connection::Body, plan.body);
    case Connection::Quit:
      return send_next(c, Connection::Done, {}, 0);
    case Connection::Body:
      ++plan.acknowledged;
      plan.latencies.push_back(std::chrono::duration<double>(Clock::now() - c.began).count());
      break;
    default:
      break;
  }
  if (plan.left == 0 || (plan.each > 0 && c.messages == plan.each))
    return send_next(c, Connection::Quit, plan.quit);
  --plan.left;
  ++c.messages;
  c.began = Clock::now();
  send_next(c, Connection::Commands, plan.commands, 3);
}

// Continues the handshake. Returns whether it is complete.
bool shake(Connection& c, SSL_CTX* context) {
  if (!c.tls) {
    c.tls.reset(SSL_new(context));
    SSL_set_fd(c.tls.get(), c.fd.get());
  }
  const int done = SSL_connect(c.tls.get());
  if (done == 1) return true;
  const int why = SSL_get_error(c.tls.get(), done);
  if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) fail("the TLS handshake failed");
  c.wants_write = why == SSL_ERROR_WANT_WRITE;
  return false;
}

void flush(Connection& c) {
  c.wants_write = false;
  while (c.sent < c.out.size()) {
    const std::string_view rest = c.out.substr(c.sent);
    if (c.tls) {
      const int n =
          SSL_write(c.tls.get(), rest.data(), static_cast<int>(std::min<std::size_t>(rest.size(), 1 << 20)));
      if (n <= 0) {
        const int why = SSL_get_error(c.tls.get(), n);
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) fail("the connection was lost");
        c.wants_write = why == SSL_ERROR_WANT_WRITE;
        return;
      }
      c.sent += static_cast<std::size_t>(n);
      continue;
    }
    const ssize_t n = ::send(c.fd.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) {
      c.wants_write = true;
      return;
    }
    if (n < 0) fail("the connection was lost");
    c.sent += static_cast<std::size_t>(n);
  }
}

void receive(Connection& c, std::vector<char>& buffer) {
  for (;;) {
    if (c.tls && c.at != Connection::Handshake) {
      const int n = SSL_read(c.tls.get(), buffer.data(), static_cast<int>(buffer.size()));
      if (n > 0) {
        c.in.append(buffer.data(), static_cast<std::size_t>(n));
        continue;
      }
      if (SSL_get_error(c.tls.get(), n) == SSL_ERROR_WANT_READ) return;
      if (c.at == Connection::Quit) return;
      fail("the server closed the connection");
    }
    const ssize_t n = ::recv(c.fd.get(), buffer.data(), buffer.size(), 0);
    if (n > 0) {
      c.in.append(buffer.data(), static_cast<std::size_t>(n));
      continue;
    }
    if (n < 0 && errno == EAGAIN) return;
    if (c.at == Connection::Quit) return;
    fail("the server closed the connection");
  }
}

std::string message(std::size_t size) {
  std::string text =
      "From: bench@example.com\r\nTo: archive@example.com\r\nSubject: a mail of the benchmark\r\n\r\n";
  while (text.size() < size)
    text += "The quick brown fox jumps over the lazy dog, and the mail is archived.\r\n";
  text.resize(std::max<std::size_t>(size, 4) - 2);
  if (text.back() == '\r') text.back() = 'x';
  return text + "\r\n.\r\n";
}

double quantile(const std::vector<double>& sorted, double q) {
  return sorted.empty() ? 0 : sorted[static_cast<std::size_t>(q * static_cast<double>(sorted.size() - 1))];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6)
    fail("usage: smtp_load HOST:PORT CONNECTIONS MESSAGES BYTES RECIPIENT [lmtp] [starttls] [each=N]");
  const std::string where = argv[1];
  const std::size_t colon = where.find(':');
  Plan plan;
  plan.left = std::atol(argv[3]);
  plan.hello = "EHLO bench.example\r\n";
  for (int i = 6; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "lmtp")
      plan.hello = "LHLO bench.example\r\n";
    else if (option == "starttls")
      plan.tls = true;
    else if (option.starts_with("each="))
      plan.each = std::atol(argv[i] + 5);
    else
      fail("no such option: " + std::string(option));
  }
  plan.commands = std::string("MAIL FROM:<bench@example.com>\r\nRCPT TO:<") + argv[5] + ">\r\nDATA\r\n";
  plan.body = message(static_cast<std::size_t>(std::atol(argv[4])));
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  &SSL_CTX_free);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);

  const gw::Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  std::vector<Connection> all(static_cast<std::size_t>(std::atoi(argv[2])));
  const auto watch = [&](std::size_t index, int operation, std::uint32_t what) {
    epoll_event event{};
    event.events = what;
    event.data.u64 = index;
    ::epoll_ctl(epoll.get(), operation, all[index].fd.get(), &event);
  };
  const auto open_connection = [&](std::size_t index) {
    all[index] = Connection();
    all[index].fd = connect_to(where.substr(0, colon), std::atoi(where.c_str() + colon + 1));
    watch(index, EPOLL_CTL_ADD, EPOLLIN);
  };
  const auto start = Clock::now();
  for (std::size_t i = 0; i < all.size(); ++i) open_connection(i);

  std::size_t open = all.size();
  std::vector<char> buffer(1 << 16);
  std::vector<epoll_event> events(256);
  while (open > 0) {
    const int ready = ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), 60'000);
    if (ready <= 0) fail("no reply for a minute");
    for (int e = 0; e < ready; ++e) {
      const std::size_t index = events[static_cast<std::size_t>(e)].data.u64;
      Connection& c = all[index];
      const bool waited_to_write = c.wants_write;
      if (c.at == Connection::Handshake) {
        if (!shake(c, context.get())) continue;
        next_step(c, plan);
      } else {
        receive(c, buffer);
        c.awaited -= take_replies(c.in, c.awaited);
        while (c.awaited == 0 && c.sent == c.out.size() && c.at != Connection::Done) {
          next_step(c, plan);
          if (c.at == Connection::Handshake && !shake(c, context.get())) break;
        }
      }
      if (c.at == Connection::Handshake) continue;
      flush(c);
      if (c.at == Connection::Done) {
        watch(index, EPOLL_CTL_DEL, 0);
        if (plan.left > 0)
          open_connection(index);
        else
          --open;
      } else if (c.wants_write != waited_to_write) {
        watch(index, EPOLL_CTL_MOD, c.wants_write ? EPOLLIN | EPOLLOUT : EPOLLIN);
      }
    }
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::sort(plan.latencies.begin(), plan.latencies.end());
  std::printf("{\"messages\":%ld,\"seconds\":%.6f,\"rate\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n",
              plan.acknowledged, seconds, static_cast<double>(plan.acknowledged) / seconds,
              quantile(plan.latencies, 0.5) * 1e3, quantile(plan.latencies, 0.99) * 1e3);
  return 0;
}

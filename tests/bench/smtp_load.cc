// An SMTP (or LMTP) sender for benchmarks: N kept connections, one thread, commands pipelined (RFC 2920).
//
//   smtp_load HOST:PORT CONNECTIONS MESSAGES OCTETS RECIPIENT [lmtp]
//
// Prints one JSON object: messages acknowledged, seconds from the first MAIL to the last reply, latency
// quantiles. Every message is acknowledged with 2xx or the program ends with status 1.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/fd.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Connection {
  gw::Fd fd;
  std::string in;        // octets of replies, not yet a whole reply
  std::string_view out;  // what this step sends
  std::size_t sent = 0;
  int awaited = 1;  // replies until the next step
  enum { Banner, Hello, Commands, Body, Done } at = Banner;
  Clock::time_point began;
};

struct Plan {
  std::string hello, commands, body;
  long left = 0;
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
  return fd;
}

// Takes whole replies off the front of `in`, at most `most`; gives how many.
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

void next_step(Connection& c, Plan& plan) {
  c.sent = 0;
  c.awaited = 1;
  if (c.at == Connection::Banner) {
    c.at = Connection::Hello;
    c.out = plan.hello;
    return;
  }
  if (c.at == Connection::Commands) {
    c.at = Connection::Body;
    c.out = plan.body;
    return;
  }
  if (c.at == Connection::Body) {
    ++plan.acknowledged;
    plan.latencies.push_back(std::chrono::duration<double>(Clock::now() - c.began).count());
  }
  if (plan.left == 0) {
    c.at = Connection::Done;
    c.out = {};
    return;
  }
  --plan.left;
  c.began = Clock::now();
  c.at = Connection::Commands;
  c.out = plan.commands;
  c.awaited = 3;
}

// Sends what there is; false while the socket takes no more.
bool flush(Connection& c) {
  while (c.sent < c.out.size()) {
    const ssize_t n =
        ::send(c.fd.get(), c.out.data() + c.sent, c.out.size() - c.sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) return false;
    if (n < 0) fail("the connection was lost");
    c.sent += static_cast<std::size_t>(n);
  }
  return true;
}

void receive(Connection& c, std::vector<char>& buffer) {
  const ssize_t n = ::recv(c.fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (n == 0) fail("the server closed the connection");
  if (n < 0 && errno != EAGAIN) fail("the connection was lost");
  if (n > 0) c.in.append(buffer.data(), static_cast<std::size_t>(n));
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
  if (argc < 6) fail("usage: smtp_load HOST:PORT CONNECTIONS MESSAGES OCTETS RECIPIENT [lmtp]");
  const std::string where = argv[1];
  const std::size_t colon = where.find(':');
  Plan plan;
  plan.left = std::atol(argv[3]);
  plan.hello = argc > 6 ? "LHLO bench.example\r\n" : "EHLO bench.example\r\n";
  plan.commands = std::string("MAIL FROM:<bench@example.com>\r\nRCPT TO:<") + argv[5] + ">\r\nDATA\r\n";
  plan.body = message(static_cast<std::size_t>(std::atol(argv[4])));

  const gw::Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  std::vector<Connection> all(static_cast<std::size_t>(std::atoi(argv[2])));
  const auto watch = [&](std::size_t index, int operation, std::uint32_t what) {
    epoll_event event{};
    event.events = what;
    event.data.u64 = index;
    ::epoll_ctl(epoll.get(), operation, all[index].fd.get(), &event);
  };
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].fd = connect_to(where.substr(0, colon), std::atoi(where.c_str() + colon + 1));
    watch(i, EPOLL_CTL_ADD, EPOLLIN);
  }

  Clock::time_point start{};
  std::size_t open = all.size();
  std::vector<char> buffer(1 << 16);
  std::vector<epoll_event> events(256);
  while (open > 0) {
    const int ready = ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), 60'000);
    if (ready <= 0) fail("no answer for a minute");
    for (int e = 0; e < ready; ++e) {
      const epoll_event& event = events[static_cast<std::size_t>(e)];
      Connection& c = all[event.data.u64];
      if (c.at == Connection::Done) continue;
      if (event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(c, buffer);
      c.awaited -= take_replies(c.in, c.awaited);
      if (c.awaited == 0 && c.sent == c.out.size()) {
        if (c.at == Connection::Hello && start == Clock::time_point{}) start = Clock::now();
        next_step(c, plan);
      }
      const bool waited_to_send = event.events & EPOLLOUT;
      const bool sent = flush(c);
      if (c.at == Connection::Done) {
        --open;
        watch(event.data.u64, EPOLL_CTL_DEL, 0);
      } else if (!sent || waited_to_send) {
        watch(event.data.u64, EPOLL_CTL_MOD, sent ? EPOLLIN : EPOLLIN | EPOLLOUT);
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

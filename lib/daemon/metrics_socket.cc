#include "daemon/metrics_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "base/log.h"
#include "base/text.h"
#include "daemon/openmetrics.h"
#include "net/serve.h"
#include "net/stream.h"

namespace gw::daemon {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxHead = 8 << 10;  // bytes of a request head
constexpr auto kHeadTime = 2s;             // for the whole head
constexpr auto kWriteTime = 5s;            // for the response
constexpr auto kFresh = 1s;                // age of numbers that are returned again

// Waits until `readable` (-1: nothing) is readable or the time is over. Returns false if the thread
// must end, because of the destructor or a stop of the process.
bool wait_for(int readable, int wake, int milliseconds) {
  std::array<pollfd, 3> waited{
      {{readable, POLLIN, 0}, {wake, POLLIN, 0}, {net::stop::descriptor(), POLLIN, 0}}};
  (void)::poll(waited.data(), waited.size(), milliseconds);
  return waited[1].revents == 0 && waited[2].revents == 0;
}

struct Answer {
  std::string_view status;
  std::string body;
  std::string_view more = {};  // further header lines, each with CRLF
};

// Returns the HTTP response as bytes.
std::string written(const Answer& answer) {
  const bool good = answer.status.starts_with('2');
  std::string text = "HTTP/1.1 " + std::string(answer.status) + "\r\n";
  text += "Content-Type: " + std::string(good ? kOpenMetricsType : "text/plain; charset=utf-8") + "\r\n";
  text += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
  text.append("Cache-Control: no-store\r\nConnection: close\r\n").append(answer.more).append("\r\n");
  return text + answer.body;
}

// Reads the request head up to its empty line. Returns an empty string if the head is too long,
// does not arrive in time or breaks off. The deadline is for the whole head: a client that sends
// one byte at a time could otherwise occupy the only thread.
std::string read_head(net::Stream& stream) {
  std::string head;
  std::array<std::byte, 1024> buffer;
  const auto until = BootClock::now() + kHeadTime;
  while (head.size() < kMaxHead) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - BootClock::now());
    if (left <= 0ms) return {};
    stream.set_timeout(left);
    const auto got = stream.read(buffer);
    if (!got || *got == 0) return {};
    head += as_text(ByteView(buffer).first(*got));
    if (head.find("\r\n\r\n") != std::string::npos) return head;
  }
  return {};
}

}  // namespace

MetricsSocket::MetricsSocket(Fd listener, std::string path, Numbers numbers)
    : listener_(std::move(listener)),
      path_(std::move(path)),
      numbers_(std::move(numbers)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  // wait_for() also returns true when a signal interrupts it, and a connection may be gone before
  // it is accepted. A blocking accept4(2) would then hang, and the destructor with it.
  const int flags = ::fcntl(listener_.get(), F_GETFL);
  if (flags >= 0) (void)::fcntl(listener_.get(), F_SETFL, flags | O_NONBLOCK);
  thread_ = std::thread([this] { run(); });
}

MetricsSocket::~MetricsSocket() {
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
  thread_.join();
  if (!path_.empty()) (void)::unlink(path_.c_str());
}

void MetricsSocket::run() {
  while (wait_for(listener_.get(), wake_.get(), -1)) {
    Fd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (connection) {
      answer(std::move(connection));
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      // Descriptors or memory are used up. The listener stays readable, so without a pause this
      // loop would use a whole core until there is room again.
      (void)wait_for(-1, wake_.get(), 100);
    }
  }
}

Result<std::string> MetricsSocket::fresh() {
  // Computing the numbers queries every mailbox. The limit keeps a client that asks in a loop from
  // loading the keeper.
  const auto now = BootClock::now();
  if (!last_.empty() && now - made_ < kFresh) return last_;
  auto numbers = numbers_();
  if (!numbers) return numbers;
  made_ = now;
  last_ = *numbers;
  return numbers;
}

void MetricsSocket::answer(Fd connection) {
  net::Stream stream(std::move(connection), {});
  const std::string head = read_head(stream);
  if (head.empty()) return;
  const auto words = split(std::string_view(head).substr(0, head.find("\r\n")), ' ');
  Answer given;
  if (words.size() != 3 || !words[2].starts_with("HTTP/1.")) {
    given = {"400 Bad Request", "GET /metrics\n"};
  } else if (words[1] != "/metrics") {
    given = {"404 Not Found", "/metrics\n"};
  } else if (words[0] != "GET") {
    given = {"405 Method Not Allowed", "GET\n", "Allow: GET\r\n"};
  } else if (auto numbers = fresh()) {
    given = {"200 OK", std::move(*numbers)};
  } else {
    log::warning("metrics unavailable", {{"reason", numbers.error().text()}});
    given = {"503 Service Unavailable", "metrics are temporarily unavailable\n", "Retry-After: 10\r\n"};
  }
  stream.set_timeout(kWriteTime);
  // close() ends the connection in an orderly way, so that unread bytes of the request do not turn
  // the end of the response into a reset.
  if (stream.write(as_bytes(written(given)))) stream.close();
}

}  // namespace gw::daemon

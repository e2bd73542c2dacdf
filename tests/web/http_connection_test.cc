#include "web/http/http_connection.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <optional>
#include <thread>

#include "base/digest.h"
#include "base/log.h"
#include "net/listener.h"
#include "net/serve.h"

using namespace gw;
using namespace gw::web;
using namespace std::literals;

namespace {

// One end of a pair of sockets, whose other end a thread serves.
class Client {
 public:
  explicit Client(const HttpService& service, bool tcp = false) {
    log::open("web_tests", log::Target::Nowhere);
    int ends[2];
    if (tcp)
      connect_over_tcp(ends);
    else
      REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    socket_ = ends[0];
    stream_.emplace(Fd(ends[0]), net::Peer{});
    stream_->set_timeout(20s);
    server_ = std::thread([&service, server = Fd(ends[1])]() mutable {
      net::Peer peer;
      peer.address = "unix";
      serve_http(net::Stream(std::move(server), peer), false, service);
    });
  }
  ~Client() {
    stream_->close();
    join();
  }
  // Waits until the service has ended the connection.
  void join() {
    if (server_.joinable()) server_.join();
  }
  void finish(std::chrono::milliseconds grace) { stream_->finish(grace); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool send(std::string_view data) { return stream_->write(as_bytes(data)).has_value(); }
  // Whether an answer, or the end, comes within this time.
  bool answered(std::chrono::milliseconds time) {
    pollfd item{socket_, POLLIN, 0};
    return ::poll(&item, 1, static_cast<int>(time.count())) > 0;
  }
  // The head of the next answer, up to its empty line; what there is where the connection ends before.
  std::string head() {
    while (received_.find("\r\n\r\n") == std::string::npos && more()) {
    }
    const std::size_t end = std::min(received_.find("\r\n\r\n"), received_.size());
    std::string found = received_.substr(0, end);
    received_.erase(0, std::min(end + 4, received_.size()));
    return found;
  }
  std::string body(std::size_t size) {
    while (received_.size() < size && more()) {
    }
    std::string found = received_.substr(0, size);
    received_.erase(0, found.size());
    return found;
  }
  std::string all() {
    while (more()) {
    }
    return std::exchange(received_, {});
  }
  std::string ask(std::string_view data) {
    send(data);
    return head();
  }

 private:
  static void connect_over_tcp(int (&ends)[2]) {
    auto listener = net::listen_on({"127.0.0.1", 0, false}, "http");
    REQUIRE(listener);
    sockaddr_in address{};
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(listener->socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    ends[0] = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::connect(ends[0], reinterpret_cast<sockaddr*>(&address), size) == 0);
    ends[1] = ::accept4(listener->socket.get(), nullptr, nullptr, SOCK_CLOEXEC);
    REQUIRE(ends[1] >= 0);
  }
  bool more() {
    std::array<std::byte, 4096> data;
    const auto got = stream_->read(data);
    if (!got || *got == 0) return false;
    received_ += as_text(ByteView(data).first(*got));
    return true;
  }
  int socket_ = -1;  // the stream's
  std::optional<net::Stream> stream_;
  std::thread server_;
  std::string received_;
};

HttpService service_of(std::function<Response(Request&)> handler) {
  HttpService service;
  service.handler = std::move(handler);
  return service;
}

HttpService echo() {
  return service_of([](Request& request) {
    std::string text = request.method + " " + request.path;
    for (const auto& [name, value] : request.query.items()) text += " " + name + "=" + value;
    if (!request.body.empty()) text += " " + std::string(request.body.text());
    return plain(200, text);
  });
}

std::string status_of(const std::string& head) {
  return head.substr(0, head.find("\r\n"));
}

const std::string kGet = "GET /a%20b?c=d+e&c=%2f HTTP/1.1\r\nHost: a\r\n\r\n";

}  // namespace

TEST_CASE("Requests follow one another on a connection, with complete bodies") {
  const HttpService service = echo();
  Client client(service);
  CHECK(status_of(client.ask("GET /?a=b=c&d HTTP/1.1\r\nHost: a\r\n\r\n")) == "HTTP/1.1 200 OK");
  CHECK(client.body(14) == "GET / a=b=c d=");
  CHECK(status_of(client.ask(kGet)) == "HTTP/1.1 200 OK");
  CHECK(client.body(17) == "GET /a b c=d e c=");
  CHECK(client.body(1) == "/");
  // Two in one piece, and a body that comes in pieces.
  client.send(kGet + "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
  client.send("cde");
  CHECK(status_of(client.head()) == "HTTP/1.1 200 OK");
  CHECK(client.body(18).size() == 18);
  CHECK(status_of(client.head()) == "HTTP/1.1 200 OK");
  CHECK(client.body(13) == "POST /x abcde");
}

TEST_CASE("A body of many pieces is complete, up to the limit") {
  const HttpService service = service_of([](Request& request) {
    return plain(200,
                 to_hex(sha256(request.body.view())) + " " + std::to_string(request.form.fields().size()));
  });
  for (const std::size_t size : {65'535UL, 65'536UL, 65'537UL, 300'000UL, 1UL << 20}) {
    CAPTURE(size);
    Client client(service);
    std::string body;
    while (body.size() < size) body += "a" + std::to_string(body.size()) + "\n";
    body.resize(size);
    client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n");
    client.send(body);
    CHECK(status_of(client.head()) == "HTTP/1.1 200 OK");
    CHECK(client.body(66) == to_hex(sha256(as_bytes(body))) + " 0");
  }
}

TEST_CASE("HEAD has the head of GET and no body") {
  const HttpService service = echo();
  Client client(service);
  const std::string head = client.ask("HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  CHECK(head.find("Content-Length: 7") != std::string::npos);
  CHECK(client.all().empty());
}

TEST_CASE("A client that waits for 100 Continue gets it") {
  const HttpService service = echo();
  Client client(service);
  CHECK(client.ask("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n") ==
        "HTTP/1.1 100 Continue");
  CHECK(status_of(client.ask("ab")) == "HTTP/1.1 200 OK");
  CHECK(client.body(10) == "POST /x ab");
}

TEST_CASE("A head that is too long is refused, and the connection ends") {
  const HttpService service = echo();
  Client client(service);
  std::string head = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  head += std::string(33 << 10, 'x');
  CHECK(status_of(client.ask(head)) == "HTTP/1.1 431 Request Header Fields Too Large");
  const std::string rest = client.all();
  CHECK(rest.find("HTTP/1.1") == std::string::npos);
}

TEST_CASE("A head without an end is not read for ever") {
  const HttpService service = echo();
  Client client(service);
  std::thread sender([&] {
    const std::string line(1000, 'y');
    for (int i = 0; i < 200; ++i) client.send(line);
  });
  CHECK(status_of(client.head()) == "HTTP/1.1 431 Request Header Fields Too Large");
  sender.join();
}

TEST_CASE("A body that is too long is refused before it is read") {
  const HttpService service = echo();
  Client client(service);
  const std::string head =
      client.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\nExpect: 100-continue\r\n\r\n");
  CHECK(status_of(head) == "HTTP/1.1 413 Content Too Large");
  CHECK(head.find("Connection: close") != std::string::npos);
}

TEST_CASE("A client that is still sending the body that is refused can read the refusal") {
  const HttpService service = echo();
  Client client(service, true);
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n");
  // The refusal is here, and the service has sent its FIN.
  REQUIRE(client.answered(20s));
  for (int i = 0; i < 50; ++i) {
    CHECK(client.send(std::string(4096, 'b')));
    std::this_thread::sleep_for(2ms);
  }
  const std::string all = client.all();
  CHECK(status_of(all) == "HTTP/1.1 413 Content Too Large");
  CHECK(all.ends_with("the body of the request is too long\n"));
}

TEST_CASE("The server does not wait for a client that sends without end after a refusal") {
  const HttpService service = echo();
  const auto begun = std::chrono::steady_clock::now();
  {
    Client client(service, true);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n");
    CHECK(status_of(client.head()) == "HTTP/1.1 413 Content Too Large");
    SECTION("by its time") {
      client.join();
    }
    SECTION("by its size") {
      while (client.send(std::string(4096, 'b'))) {
      }
      client.join();
    }
  }
  CHECK(std::chrono::steady_clock::now() - begun < 10s);
}

TEST_CASE("A refusal of HEAD has no body, and a stop does not suppress a refusal") {
  const HttpService service = echo();
  {
    Client client(service);
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n");
    const std::string all = client.all();
    CHECK(status_of(all) == "HTTP/1.1 400 Bad Request");
    CHECK(all.ends_with("\r\n\r\n"));
  }
  HttpService stopping = echo();
  stopping.most_body = [](const Request&) {
    net::stop::request();
    return std::size_t{0};
  };
  Client client(stopping);
  client.finish(20s);
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n");
  CHECK(status_of(client.head()) == "HTTP/1.1 413 Content Too Large");
  net::stop::withdraw();
}

TEST_CASE("The limit of a body depends on its head, and small bodies are always read") {
  HttpService service = echo();
  service.most_body = [](const Request& request) {
    return request.headers.has("x-known") ? std::size_t{100} << 10 : std::size_t{0};
  };
  const auto ask = [&](std::size_t size, const std::string& header) {
    Client client(service);
    client.send("POST /x HTTP/1.1\r\nHost: a\r\n" + header + "Content-Length: " + std::to_string(size) +
                "\r\n\r\n");
    client.send(std::string(size, 'b'));
    return status_of(client.head());
  };
  CHECK(ask(8 << 10, "") == "HTTP/1.1 200 OK");
  CHECK(ask((8 << 10) + 1, "") == "HTTP/1.1 413 Content Too Large");
  CHECK(ask(100 << 10, "X-Known: 1\r\n") == "HTTP/1.1 200 OK");
  CHECK(ask((100 << 10) + 1, "X-Known: 1\r\n") == "HTTP/1.1 413 Content Too Large");
}

TEST_CASE("All long bodies together use a bounded share of memory, and return it") {
  HttpService service = echo();
  service.most_bodies = 250'000;
  const std::string head =
      "POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 100000\r\n\r\n";
  Client first(service), second(service), third(service);
  CHECK(status_of(first.ask(head)) == "HTTP/1.1 100 Continue");
  CHECK(status_of(second.ask(head)) == "HTTP/1.1 100 Continue");
  CHECK(status_of(third.ask(head)) == "HTTP/1.1 503 Service Unavailable");
  CHECK(status_of(first.ask(std::string(100'000, 'c'))) == "HTTP/1.1 200 OK");
  first.body(100'008);
  // The response may arrive before the share is returned. The next request on this connection is read after that.
  CHECK(status_of(first.ask(head)) == "HTTP/1.1 100 Continue");
}

TEST_CASE("A slow head ends at its deadline, however steadily its bytes come") {
  HttpService service = echo();
  service.head_timeout = 300ms;
  Client client(service);
  client.send("GET / HTTP/1.1\r\n");
  do {
    client.send("x");
  } while (!client.answered(20ms));
  CHECK(status_of(client.head()) == "HTTP/1.1 408 Request Timeout");
}

TEST_CASE("A slow body ends at its deadline") {
  HttpService service = echo();
  service.body_timeout = 200ms;
  Client client(service);
  CHECK(status_of(client.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab")) ==
        "HTTP/1.1 408 Request Timeout");
}

TEST_CASE("A connection without a request is closed without a response") {
  HttpService service = echo();
  service.idle = 100ms;
  Client client(service);
  CHECK(client.all().empty());
}

TEST_CASE("Chunks are refused in requests") {
  const HttpService service = echo();
  Client client(service);
  CHECK(status_of(client.ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "ffffffffffffffff\r\n")) == "HTTP/1.1 411 Length Required");
  CHECK(client.all().find("HTTP/1.1") == std::string::npos);
}

TEST_CASE("An unreadable request to the API gets an error in JSON") {
  const HttpService service = echo();
  const auto answer = [&](const std::string& head) {
    Client client(service);
    client.send(head);
    return client.all();
  };
  const std::string chunked =
      answer("POST /api/v1/mailboxes HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  CHECK(status_of(chunked) == "HTTP/1.1 411 Length Required");
  CHECK(chunked.find("application/json") != std::string::npos);
  CHECK(chunked.find(R"("code":"length_required")") != std::string::npos);
  const std::string large =
      answer("POST /api/v1/mailboxes HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n");
  CHECK(large.find(R"("code":"body_too_large")") != std::string::npos);
  const std::string page = answer("POST /sign-in HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  CHECK(page.find("application/json") == std::string::npos);
}

TEST_CASE("A request without a length has no body") {
  const HttpService service =
      service_of([](Request& request) { return plain(200, std::to_string(request.body.view().size())); });
  Client client(service);
  CHECK(status_of(client.ask("POST / HTTP/1.1\r\nHost: a\r\n\r\n")) == "HTTP/1.1 200 OK");
}

TEST_CASE("A response header with a line ending becomes an error, not a second header") {
  const HttpService service =
      service_of([](Request& request) { return redirect("/" + std::string(request.query.get("to"))); });
  Client client(service);
  const std::string head = client.ask("GET /?to=a%0d%0aSet-Cookie:%20b=c HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(status_of(head) == "HTTP/1.1 500 Internal Server Error");
  CHECK(head.find("Set-Cookie") == std::string::npos);
}

TEST_CASE("What a client sends as escapes in its headers is not decoded") {
  const HttpService service =
      service_of([](Request& request) { return plain(200, std::string(request.headers.get("x"))); });
  Client client(service);
  client.ask("GET / HTTP/1.1\r\nHost: a\r\nX: a%0d%0ab\r\n\r\n");
  CHECK(client.body(8) == "a%0d%0ab");
}

TEST_CASE("A path with control characters or bytes that are not UTF-8 is refused") {
  const HttpService service = echo();
  for (const char* path : {"/a%00", "/%0d%0a", "/%ff", "/%c0%af", "/%7f", "/%zz"}) {
    Client client(service);
    CAPTURE(path);
    CHECK(status_of(client.ask("GET "s + path + " HTTP/1.1\r\nHost: a\r\n\r\n")) ==
          "HTTP/1.1 400 Bad Request");
  }
}

TEST_CASE("A page that throws is an internal error, and the process continues") {
  const HttpService service = service_of([](Request& request) -> Response {
    if (request.path == "/throws") throw std::runtime_error("trouble");
    return plain(200, "well");
  });
  Client client(service);
  CHECK(status_of(client.ask("GET /throws HTTP/1.1\r\nHost: a\r\n\r\n")) ==
        "HTTP/1.1 500 Internal Server Error");
  CHECK(client.body(15) == "internal error\n");
  CHECK(status_of(client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n")) == "HTTP/1.1 200 OK");
}

TEST_CASE("A response may stream its body, with its length known or not") {
  const HttpService service = service_of([](Request& request) {
    Response response = plain(200, "");
    if (request.path == "/known") response.length = 6;
    const bool breaks = request.path == "/breaks";
    response.stream = [breaks](const Sink& sink) {
      return sink(as_bytes("abc")) && !breaks && sink(as_bytes("def"));
    };
    return response;
  });
  {
    Client client(service);
    CHECK(client.ask("GET /known HTTP/1.1\r\nHost: a\r\n\r\n").find("Content-Length: 6") !=
          std::string::npos);
    CHECK(client.body(6) == "abcdef");
    CHECK(client.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
              .find("Transfer-Encoding: chunked") != std::string::npos);
    CHECK(client.all() == "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n");
  }
  Client client(service);
  client.ask("GET /breaks HTTP/1.1\r\nHost: a\r\n\r\n");
  // No last chunk and a closed connection: the client knows that the body is incomplete.
  CHECK(client.all().find("0\r\n\r\n") == std::string::npos);
}

TEST_CASE("A path of the greatest length is served on the small stack of a thread") {
  const HttpService service = echo();
  Client client(service);
  const std::string path = "/" + std::string(7900, 'a');
  CHECK(
      status_of(client.ask("GET " + path + " HTTP/1.1\r\nHost: a\r\nRange: bytes=" + std::string(8000, '1') +
                           "-\r\nAccept-Encoding: gzip, br\r\n\r\n")) == "HTTP/1.1 200 OK");
  const bool same = client.body(path.size() + 4) == "GET " + path;
  CHECK(same);
}

TEST_CASE("A body of another length than announced, or that throws, ends the connection") {
  const HttpService service = service_of([](Request& request) {
    Response response = plain(200, "");
    response.length = 4;
    response.stream = [path = request.path](const Sink& sink) -> bool {
      if (path == "/throws") throw std::runtime_error("trouble");
      if (path == "/long" && !sink(as_bytes("ab"))) return true;
      return sink(as_bytes("abc"));
    };
    return response;
  });
  for (const auto& [path, body] : {std::pair("/short", "abc"), {"/long", "ab"}, {"/throws", ""}}) {
    CAPTURE(path);
    Client client(service);
    client.send("GET "s + path + " HTTP/1.1\r\nHost: a\r\n\r\nGET /short HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(client.head().find("Content-Length: 4") != std::string::npos);
    CHECK(client.all() == body);
  }
}

TEST_CASE("HEAD, 204 and 304 have no body, and the connection continues") {
  bool streamed = false;
  const HttpService service = service_of([&](Request& request) {
    Response response = plain(200, "text");
    if (request.path == "/stream") {
      response.length = 1 << 20;
      response.stream = [&](const Sink&) { return streamed = true; };
    }
    if (request.path == "/chunks") response.stream = [&](const Sink&) { return streamed = true; };
    if (request.path == "/204") response.status = 204;
    if (request.path == "/304") response.status = 304;
    return response;
  });
  Client client(service);
  CHECK(client.ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").find("Content-Length: 4") != std::string::npos);
  CHECK(client.ask("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n").find("Content-Length: 1048576") !=
        std::string::npos);
  CHECK(client.ask("HEAD /chunks HTTP/1.1\r\nHost: a\r\n\r\n").find("Transfer-Encoding: chunked") !=
        std::string::npos);
  CHECK_FALSE(streamed);
  const std::string none = client.ask("GET /204 HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(status_of(none) == "HTTP/1.1 204 No Content");
  CHECK(none.find("Content-Length") == std::string::npos);
  const std::string same = client.ask("GET /304 HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(status_of(same) == "HTTP/1.1 304 Not Modified");
  CHECK(same.find("Content-Length") == std::string::npos);
  client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.body(4) == "text");
}

TEST_CASE("A response of many pieces arrives byte for byte, and has a date") {
  std::string text(100'000, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7 % 251);
  const HttpService service = service_of([&](Request&) { return plain(200, text); });
  Client client(service);
  const std::string head = client.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  CHECK(head.find("\r\nConnection: close") != std::string::npos);
  CHECK_THAT(
      head,
      Catch::Matchers::Matches(
          R"([^]*\r\nDate: (Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT[^]*)"));
  CHECK(client.all() == text);
}

TEST_CASE("A client of HTTP/1.0 gets no body whose end it cannot see") {
  const HttpService service = service_of([](Request& request) {
    Response response = plain(200, "");
    if (request.path == "/known") response.length = 3;
    response.stream = [](const Sink& sink) { return sink(as_bytes("abc")); };
    return response;
  });
  Client known(service);
  CHECK(status_of(known.ask("GET /known HTTP/1.0\r\n\r\n")) == "HTTP/1.1 200 OK");
  CHECK(known.all() == "abc");
  Client unknown(service);
  CHECK(status_of(unknown.ask("GET / HTTP/1.0\r\n\r\n")) == "HTTP/1.1 505 HTTP Version Not Supported");
  CHECK(unknown.all().find("abc") == std::string::npos);
}

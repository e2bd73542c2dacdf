#include "proxy/smtp_proxy.h"

#include <catch2/catch.hpp>

#include "net/serve.h"
#include "pop3d/pop3_client.h"
#include "pop3d/pop3_vault.h"
#include "proxy/fake_smtp.h"
#include "smtpd/smtp_client.h"
#include "support/await.h"
#include "wire/dot_writer.h"

using namespace gw;
using namespace std::literals;
using test::FakeSmtp;
using test::SmtpClient;

namespace {

// The SMTP side of gw-proxy on a vault in memory, with a route `work` to a server of the test.
class Relay {
 public:
  explicit Relay(FakeSmtp& server) : vault_(store::Trace::Off) {
    vault::Route route;
    route.name = "work";
    route.protocol = vault::Protocol::Smtp;
    route.host = "127.0.0.1";
    route.port = server.port();
    route.tls = vault::UpstreamTls::None;
    route.mailbox = vault_.mailbox.id;
    route.allow_private = true;
    route.clients = {"192.0.2.0/24"};
    put(route);
    service.host = "gw.example";
    service.store = [this]() -> Result<store::Store*> { return &vault_.faulty; };
    service.report = [this](const store::ServerStats& stats) { server_stats.add(stats); };
    service.routes = &routes_;
    service.upstreams = &upstreams_;
    service.upstream.grace = 50ms;
  }

  void put(vault::Route route) {
    if (route_) route.version = vault::find_route(vault_.faulty, "work")->version;
    REQUIRE(vault::put_route(vault_.faulty, route, "test"));
    route_ = std::move(route);
  }
  const vault::Route& route() const { return *route_; }
  test::FaultyStore& faulty() { return vault_.faulty; }

  std::unique_ptr<SmtpClient> connect() {
    return std::make_unique<SmtpClient>([this](net::Stream stream) {
      proxy::serve_smtp_proxy(std::move(stream), {"work", "work", false}, service);
    });
  }
  // Returns the last reply that the client gets.
  std::string send(std::string_view mail) {
    const auto client = connect();
    REQUIRE(client->reply().starts_with("220 "));
    REQUIRE(client->ask("EHLO client.example").starts_with("250-"));
    std::string reply;
    for (const char* command : {"MAIL FROM:<b@example.com>", "RCPT TO:<a@example.org>", "DATA"})
      if (reply = client->ask(command); reply[0] != '2' && reply[0] != '3') return reply;
    Bytes wire;
    wire::DotWriter dots;
    dots.write(as_bytes(mail), wire);
    dots.finish(wire);
    client->send(as_text(wire));
    return client->reply();
  }

  std::vector<store::State> states() {
    std::vector<store::State> all;
    const auto records = vault_.faulty.list(vault_.mailbox.id, 0, 100).value();
    for (const store::MessageRecord& record : records) all.push_back(record.state);
    return all;
  }
  std::vector<std::string> copies() {
    test::Pop3Client reader(vault_.service);
    REQUIRE(reader.log_in("journal", test::kPassword).starts_with("+OK"));
    std::vector<std::string> all;
    for (std::size_t n = 1; n <= vault_.live(); ++n) all.push_back(reader.retrieve(n));
    return all;
  }
  store::ServerStats stats() {
    const auto all = server_stats.all();
    REQUIRE(all.size() == 1);
    CHECK(all.front().of == "route work");
    return all.front();
  }

 private:
  test::Pop3Vault vault_;
  std::optional<vault::Route> route_;
  proxy::Upstreams upstreams_;
  proxy::ProxyRoutes routes_{[this] { return service.store(); }};

 public:
  proxy::SmtpProxyService service;
  store::ServerStatsTable server_stats;
};

const std::string kMail = "Subject: one\r\n\r\n.dot\r\n..\r\nlast\r\n";
using States = std::vector<store::State>;

}  // namespace

TEST_CASE("What the client sends is what upstream receives and what the copy contains") {
  FakeSmtp server;
  Relay relay(server);
  // The copy is durable before upstream replies to the final dot.
  States at_the_dot;
  server.instead = [&](const std::string& command) -> std::optional<std::string> {
    if (command == ".") at_the_dot = relay.states();
    return std::nullopt;
  };
  CHECK(relay.send(kMail) == "250 2.0.0 fine");
  CHECK(server.mails() == std::vector{kMail});
  CHECK(relay.copies() == std::vector{kMail});
  CHECK(at_the_dot == States{store::State::Pending});
  CHECK(relay.states() == States{store::State::Live});

  const store::ServerStats stats = relay.stats();
  CHECK(stats.sessions == 1);
  CHECK(stats.messages == 1);
  CHECK(stats.size == kMail.size());
  CHECK(stats.copies == 1);
  CHECK(stats.uncopied == 0);
  CHECK(stats.completed == 6);  // greeting, EHLO, MAIL, RCPT, DATA, the dot
  CHECK(stats.deferred + stats.refused == 0);
  CHECK(stats.trouble.empty());
}

TEST_CASE("Upstream's reply to the final dot settles the copy and is passed to the client") {
  FakeSmtp server;
  Relay relay(server);
  std::string said;
  server.instead = [&](const std::string& command) -> std::optional<std::string> {
    if (command != ".") return std::nullopt;
    return said;
  };
  said = "554 5.7.1 spam\r\n";
  CHECK(relay.send(kMail) == "554 5.7.1 spam");
  CHECK(relay.states().empty());
  said = "452 4.2.2 full\r\n";
  CHECK(relay.send(kMail) == "452 4.2.2 full");
  CHECK(relay.states().empty());
  const store::ServerStats stats = relay.stats();
  CHECK(stats.messages == 0);
  CHECK(stats.copies == 0);
  CHECK(stats.refused == 1);
  CHECK(stats.deferred == 1);
}

TEST_CASE("A copy whose mail upstream may have accepted is kept as unconfirmed") {
  FakeSmtp server;
  Relay relay(server);
  std::string reply;
  SECTION("upstream does not reply to the final dot in time") {
    server.instead = [](const std::string& command) -> std::optional<std::string> {
      return command == "." ? std::optional(""s) : std::nullopt;
    };
    relay.service.upstream.end = 50ms;
    reply = relay.send(kMail);
  }
  SECTION("upstream closes the connection") {
    server.instead = [](const std::string& command) -> std::optional<std::string> {
      return command == "." ? std::optional("(close)"s) : std::nullopt;
    };
    reply = relay.send(kMail);
  }
  SECTION("the process is asked to stop, and upstream is silent for longer than the grace period") {
    server.instead = [](const std::string& command) -> std::optional<std::string> {
      if (command != ".") return std::nullopt;
      net::stop::request();
      return ""s;
    };
    reply = relay.send(kMail);
    net::stop::withdraw();
  }
  CHECK(reply.substr(0, 4) == "451 ");
  CHECK(relay.states() == States{store::State::Unconfirmed});
  CHECK(relay.copies() == std::vector{kMail});
  CHECK_FALSE(relay.stats().trouble.empty());
}

TEST_CASE("An upstream that replies within the grace period of a stop settles the copy as usual") {
  FakeSmtp server;
  Relay relay(server);
  relay.service.upstream.grace = 20s;
  server.instead = [](const std::string& command) -> std::optional<std::string> {
    if (command == ".") net::stop::request();
    return std::nullopt;
  };
  CHECK(relay.send(kMail) == "250 2.0.0 fine");
  net::stop::withdraw();
  CHECK(relay.states() == States{store::State::Live});
}

TEST_CASE("If the copy fails upstream gets no final dot") {
  FakeSmtp server;
  Relay relay(server);
  std::string_view at;
  relay.faulty().fail = [&](std::string_view operation) -> std::optional<Error> {
    if (operation == at) return Error(Code::Unavailable, "as the test says");
    return std::nullopt;
  };
  SECTION("before upstream gets DATA") {
    at = "resolve";
  }
  SECTION("when it is committed") {
    at = "begin";
  }
  CHECK(relay.send(kMail).substr(0, 1) == "4");
  CHECK(server.mails().empty());
  CHECK(relay.states().empty());
  CHECK(relay.stats().trouble.find("as the test says") != std::string::npos);

  // A route with `pass` passes the mail without a copy.
  vault::Route route = relay.route();
  route.on_copy_failure = vault::OnCopyFailure::Pass;
  relay.put(route);
  CHECK(relay.send(kMail) == "250 2.0.0 fine");
  CHECK(server.mails() == std::vector{kMail});
  CHECK(relay.states().empty());
  CHECK(relay.stats().uncopied == 1);
}

TEST_CASE("If upstream cannot be reached the client gets a temporary failure, and nothing is kept") {
  auto server = std::make_unique<FakeSmtp>();
  Relay relay(*server);
  SECTION("no connection") {
    server.reset();
  }
  SECTION("it refuses the connection") {
    server->greeting = "554 5.3.2 no\r\n(close)";
  }
  SECTION("it closes at MAIL") {
    server->instead = [](const std::string& command) -> std::optional<std::string> {
      return command.starts_with("MAIL") ? std::optional("(close)"s) : std::nullopt;
    };
  }
  const auto client = relay.connect();
  CHECK(client->reply().substr(0, 4) == "220 ");
  CHECK(client->ask("EHLO client.example").substr(0, 3) == "250");
  CHECK(client->ask("MAIL FROM:<a@example.com>").substr(0, 4) == "451 ");
  client->end();
  CHECK(relay.states().empty());
  CHECK_FALSE(relay.stats().trouble.empty());
}

TEST_CASE("If a client disconnects in the middle nothing is stored, and upstream gets no final dot") {
  FakeSmtp server;
  Relay relay(server);
  auto client = relay.connect();
  client->begin();
  REQUIRE(client->ask("RCPT TO:<a@example.org>").starts_with("250 "));
  REQUIRE(client->ask("DATA").starts_with("354 "));
  client->send(kMail);
  client->end();
  test::await("upstream's connection to end", [&] { return server.open() == 0; });
  CHECK(server.mails().empty());
  CHECK(relay.states().empty());
  CHECK(relay.stats().messages == 0);
}

TEST_CASE(
    "A client that says nothing opens no connection to upstream, and ends when the time for a login is "
    "over") {
  FakeSmtp server;
  Relay relay(server);
  vault::Route route = relay.route();
  route.clients.clear();
  relay.put(route);
  relay.service.login.time = 100ms;
  const auto client = relay.connect();
  CHECK(client->reply().starts_with("220 "));
  CHECK(client->reply().starts_with("421 "));
  client->end();
  CHECK(server.accepted() == 0);
  relay.service.login.time = 60s;
  const auto other = relay.connect();
  CHECK(other->reply().starts_with("220 "));
  // The first reply to EHLO already has upstream's extensions.
  const std::string ehlo = other->ask("EHLO client.example");
  CHECK(ehlo.find("8BITMIME") != std::string::npos);
  CHECK(ehlo.find("SMTPUTF8") == std::string::npos);
  CHECK(server.accepted() == 1);
}

TEST_CASE("Recipients over the size limit are refused as too many, and the mail goes to the others") {
  FakeSmtp server;
  Relay relay(server);
  const auto client = relay.connect();
  client->begin();
  std::size_t taken = 0;
  std::string reply;
  for (; taken < 1000; ++taken) {
    reply = client->ask("RCPT TO:<" + std::string(900, 'x') + std::to_string(taken) + "@example.org>");
    if (!reply.starts_with("250 ")) break;
  }
  CHECK(taken > 100);
  CHECK(taken < 600);
  CHECK(reply.starts_with("452 4.5.3"));
  CHECK(client->ask("DATA").starts_with("354 "));
  client->send("Subject: x\r\n.\r\n");
  CHECK(client->reply() == "250 2.0.0 fine");
  CHECK(relay.states() == States{store::State::Live});
}

TEST_CASE("Wrong passwords wait longer each time, and three end the connection") {
  FakeSmtp server;
  server.instead = [](const std::string& command) -> std::optional<std::string> {
    return command.starts_with("AUTH") ? std::optional("534 5.7.9 no\r\n"s) : std::nullopt;
  };
  Relay relay(server);
  relay.service.allow_plaintext_auth = true;
  net::ThrottlePolicy policy;
  policy.longest_wait = 30ms;
  net::LoginThrottle limits(policy);
  relay.service.limits = &limits;
  const auto guess = [&] {
    const auto client = std::make_unique<SmtpClient>(
        [&](net::Stream stream) {
          proxy::serve_smtp_proxy(std::move(stream), {"work", "work", false}, relay.service);
        },
        "127.0.0.1");
    REQUIRE(client->reply().starts_with("220 "));
    REQUIRE(client->ask("EHLO client.example").starts_with("250-"));
    for (int i = 0; i < 3; ++i) CHECK(client->ask("AUTH PLAIN AGpvZQBzZWNyZXQ=") == "534 5.7.9 no");
    CHECK(client->reply().starts_with("421 4.7.0"));
  };
  guess();
  CHECK(limits.wait("127.0.0.1") == 30ms);
  const auto begun = std::chrono::steady_clock::now();
  guess();
  CHECK(std::chrono::steady_clock::now() - begun >= 90ms);
  CHECK(server.accepted() == 2);
}

TEST_CASE("A client that is not on the route's list and has not logged in cannot send") {
  FakeSmtp server;
  Relay relay(server);
  vault::Route route = relay.route();
  route.clients.clear();
  relay.put(route);
  const auto client = relay.connect();
  client->reply();
  client->ask("EHLO client.example");
  CHECK(client->ask("MAIL FROM:<a@example.com>").substr(0, 4) == "530 ");
  client->end();
  for (const std::string& command : server.commands()) CHECK(command.substr(0, 4) != "MAIL");
}

TEST_CASE("On a listener of several routes a failed login selects no route that sends without AUTH") {
  FakeSmtp server;
  server.instead = [](const std::string& command) -> std::optional<std::string> {
    return command.starts_with("AUTH") ? std::optional("535 5.7.8 no\r\n"s) : std::nullopt;
  };
  Relay relay(server);
  vault::Route route = relay.route();
  route.clients = {"127.0.0.0/8"};
  relay.put(route);
  relay.service.allow_plaintext_auth = true;
  const SmtpClient::Serve serve = [&](net::Stream stream) {
    proxy::serve_smtp_proxy(std::move(stream), {"submission", "", false}, relay.service);
  };
  SmtpClient client(serve, "127.0.0.1");
  REQUIRE(client.reply().starts_with("220 "));
  REQUIRE(client.ask("EHLO client.example").starts_with("250-"));
  CHECK(client.ask("AUTH PLAIN AGpvZSN3b3JrAHNlY3JldA==") == "535 5.7.8 no");  // joe#work
  CHECK(client.ask("MAIL FROM:<a@example.com>").starts_with("530 "));
  client.end();
  for (const std::string& command : server.commands()) CHECK_FALSE(command.starts_with("MAIL"));
}

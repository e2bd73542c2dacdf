#include "proxy/pop3_proxy.h"

#include <catch2/catch.hpp>

#include "base/encoding.h"
#include "net/serve.h"
#include "proxy/pop3_proxy_vault.h"
#include "support/temp_folder.h"

using namespace gw;
using namespace std::literals;
using test::FakePop3;
using test::ProxyVault;

namespace {

std::vector<FakePop3::Mail> some_mails() {
  return {{"uid-1", "Subject: one\r\n\r\n.dot\r\n..\r\n\r\nlast\r\n"},
          {"uid-2", "Subject: two\r\n\r\n" + std::string(200'000, 'x') + "\r\n"},
          {"uid-3", ""},
          {"uid-4", "Subject: four \xe9\n\n\rbare\n.\n\0nul\r\n"s}};
}

std::vector<std::string> contents(const std::vector<FakePop3::Mail>& mails) {
  std::vector<std::string> all;
  for (const FakePop3::Mail& mail : mails) all.push_back(mail.content);
  return all;
}

// Returns the mails as gw-pop3d sends them. These tests compare copies in that form.
std::vector<std::string> wire_forms(std::vector<std::string> mails) {
  for (std::string& mail : mails) {
    std::string form;
    for (std::size_t i = 0; i < mail.size(); ++i) {
      if (mail[i] == '\n' && (i == 0 || mail[i - 1] != '\r'))
        form += "\r\n";
      else if (mail[i] == '\r' && (i + 1 == mail.size() || mail[i + 1] != '\n'))
        form += "\r\n";
      else
        form += mail[i];
    }
    if (!form.ends_with("\r\n")) form += "\r\n";
    mail = form;
  }
  return mails;
}

}  // namespace

TEST_CASE("Each mail that is fetched reaches the client unchanged, and its copy is sealed") {
  FakePop3 server(some_mails());
  ProxyVault relay(server);
  auto client = relay.log_in();
  for (std::size_t n = 1; n <= 4; ++n) {
    CHECK(client->retrieve(n) == some_mails()[n - 1].content);
    CHECK(relay.live() == n);
  }
  CHECK(client->ask("RETR 5") == "-ERR no such message");
  CHECK(client->ask("QUIT") == "+OK bye");
  CHECK(relay.copies() == wire_forms(contents(some_mails())));
  CHECK(server.mails().size() == 4);
  CHECK(server.count("UIDL") == 1);
}

TEST_CASE("Unusual dot-stuffing of the server reaches the client unchanged") {
  const std::string sent = "Subject: x\r\n\r\n..stuffed\r\n.not stuffed\r\n.\rx\r\n..\r\n.\r\n";
  FakePop3 server(std::vector<FakePop3::Mail>{{"1", "x\r\n"}});
  server.instead = [&](const std::string& command) -> std::optional<std::string> {
    if (command != "RETR 1") return std::nullopt;
    return "+OK  odd text \r\n" + sent;
  };
  ProxyVault relay(server);
  auto client = relay.log_in();
  client->send("RETR 1\r\nNOOP\r\n");
  CHECK(client->line() == "+OK  odd text ");
  std::string all;
  for (std::string line = client->line(); line != "+OK done"; line = client->line()) {
    REQUIRE(line != "(closed)");
    all += line + "\r\n";
  }
  CHECK(all == sent);
}

TEST_CASE("A mail that this login fetched before is passed on and not stored again") {
  FakePop3 server(some_mails());
  ProxyVault relay(server);
  for (int round = 0; round < 3; ++round) {
    auto client = relay.log_in();
    for (std::size_t n = 1; n <= 4; ++n) CHECK(client->retrieve(n) == some_mails()[n - 1].content);
    CHECK(client->ask("QUIT") == "+OK bye");
    CHECK(relay.live() == 4);
  }
  SECTION("even if the server gives it another UIDL") {
    auto renamed = some_mails();
    for (auto& mail : renamed) mail.uidl += "-new";
    server.set_mails(renamed);
    auto client = relay.log_in();
    for (std::size_t n = 1; n <= 4; ++n) client->retrieve(n);
    CHECK(relay.live() == 4);
  }
  SECTION("but it is another mail for another login or another route") {
    auto client = relay.log_in("jim@example.com");
    client->retrieve(1);
    CHECK(relay.live() == 5);
    relay.route().name = relay.listener.route = "home";
    client = relay.log_in();
    client->retrieve(1);
    CHECK(relay.live() == 6);
  }
}

TEST_CASE("Another mail with a known UIDL is copied before the client has received all of it") {
  FakePop3 server(some_mails());
  ProxyVault relay(server);
  relay.log_in()->retrieve(1);
  auto other = some_mails();
  other[0].content = "Subject: another\r\n\r\nmail\r\n";
  server.set_mails(other);
  auto client = relay.log_in();
  CHECK(client->retrieve(1) == other[0].content);
  CHECK(relay.live() == 2);
  CHECK(relay.copies().back() == other[0].content);
  CHECK(client->ask("DELE 1") == "+OK gone");
}

TEST_CASE("If two mails have one UIDL, or the server has no UIDL, only copies of this session count") {
  auto mails = some_mails();
  FakePop3 server(mails);
  ProxyVault relay(server);
  SECTION("two with one UIDL") {
    mails[1].uidl = mails[0].uidl;
    server.set_mails(mails);
  }
  SECTION("no UIDL") {
    server.has_uidl = false;
  }
  auto client = relay.log_in();
  client->retrieve(1);
  REQUIRE(relay.live() == 1);
  CHECK(client->ask("DELE 1") == "+OK gone");
  CHECK(relay.live() == 1);
  CHECK(server.count("RETR 1") == 1);
  CHECK(client->ask("DELE 2") == "+OK gone");  // fetched for its copy
  CHECK(relay.live() == 2);
  CHECK(server.count("RETR 2") == 1);
  client->end();  // without QUIT
  client = relay.log_in();
  CHECK(client->ask("DELE 1") == "+OK gone");
  CHECK(server.count("RETR 1") == 2);
  CHECK(relay.live() == 2);  // but it is recognised by its content
}

TEST_CASE("DELE of a mail that was never fetched fetches and seals it first") {
  FakePop3 server(some_mails());
  ProxyVault relay(server);
  auto client = relay.log_in();
  CHECK(client->ask("DELE 2") == "+OK gone");
  CHECK(server.commands().back() == "DELE 2");
  CHECK(relay.live() == 1);
  CHECK(client->ask("DELE 2") == "-ERR no such message");
  CHECK(client->ask("DELE 99") == "-ERR no such message");
  CHECK(client->ask("QUIT") == "+OK bye");
  CHECK(server.mails().size() == 3);
  CHECK(relay.copies() == std::vector{some_mails()[1].content});
}

TEST_CASE("DELE of a mail that an earlier session copied passes immediately") {
  FakePop3 server(some_mails());
  ProxyVault relay(server);
  relay.log_in()->retrieve(1);
  auto client = relay.log_in();
  CHECK(client->ask("DELE 1") == "+OK gone");
  CHECK(server.count("RETR 1") == 1);
  CHECK(client->ask("QUIT") == "+OK bye");
  CHECK(server.mails().size() == 3);
}

TEST_CASE("DELE of another mail with a known UIDL fetches and seals it first") {
  FakePop3 server(some_mails());
  ProxyVault relay(server);
  relay.log_in()->retrieve(1);
  auto other = some_mails();
  other[0].content = "Subject: another\r\n\r\nmail\r\n";
  server.set_mails(other);
  auto client = relay.log_in();
  CHECK(client->ask("DELE 1") == "+OK gone");
  CHECK(server.count("RETR 1") == 2);
  CHECK(relay.live() == 2);
  CHECK(relay.copies().back() == other[0].content);
}

TEST_CASE("A route may refuse DELE without a copy, or pass it") {
  FakePop3 server(some_mails());
  ProxyVault relay(server);
  SECTION("refuse") {
    relay.route().uncopied_delete = vault::UncopiedDelete::Refuse;
    auto client = relay.log_in();
    CHECK(client->ask("DELE 1").starts_with("-ERR [SYS/TEMP]"));
    CHECK(server.count("DELE 1") == 0);
    client->retrieve(1);
    CHECK(client->ask("DELE 1") == "+OK gone");
  }
  SECTION("refuse, also if the keeper cannot be reached and failed copies pass") {
    relay.log_in()->retrieve(1);
    relay.route().uncopied_delete = vault::UncopiedDelete::Refuse;
    relay.route().on_copy_failure = vault::OnCopyFailure::Pass;
    auto client = relay.log_in();
    relay.keeper_down = true;
    for (const std::string number : {"1", "2"}) {
      CHECK(client->ask("DELE " + number).starts_with("-ERR [SYS/TEMP]"));
      CHECK(server.count("DELE " + number) == 0);
    }
    relay.keeper_down = false;
    CHECK(client->ask("DELE 1") == "+OK gone");
    CHECK(client->ask("DELE 2").starts_with("-ERR [SYS/TEMP]"));
  }
  SECTION("pass") {
    relay.route().uncopied_delete = vault::UncopiedDelete::Pass;
    auto client = relay.log_in();
    CHECK(client->ask("DELE 1") == "+OK gone");
    CHECK(server.count("RETR 1") == 0);
    CHECK(relay.live() == 0);
  }
}

TEST_CASE("TOP makes no copy, however many lines are requested") {
  FakePop3 server(some_mails());
  ProxyVault relay(server);
  auto client = relay.log_in();
  CHECK(client->ask("TOP 1 1000000") == "+OK octets");
  CHECK(client->text() == some_mails()[0].content);
  CHECK(relay.live() == 0);
  CHECK(client->ask("DELE 1") == "+OK gone");
  CHECK(relay.live() == 1);
}

TEST_CASE("If a copy fails the mail is refused, and nothing can be deleted") {
  FakePop3 server(some_mails());
  ProxyVault relay(server);
  auto client = relay.log_in();
  SECTION("at its commit, or in the middle: no final dot is sent") {
    const std::size_t number = GENERATE(1u, 2u);
    relay.faulty().fail = [](std::string_view operation) -> std::optional<Error> {
      if (operation == "begin") return Error(Code::Full, "no room");
      return std::nullopt;
    };
    CHECK(client->ask("RETR " + std::to_string(number)) == "+OK octets");
    CHECK(client->text().ends_with("(closed)"));
    relay.await_closed();
    CHECK(server.count("QUIT") == 0);
  }
  SECTION("while a deleted mail is fetched: DELE is refused and the session goes on") {
    relay.faulty().fail = [](std::string_view operation) -> std::optional<Error> {
      if (operation == "begin") return Error(Code::Full, "no room");
      return std::nullopt;
    };
    CHECK(client->ask("DELE 2").starts_with("-ERR [SYS/TEMP]"));
    CHECK(client->ask("NOOP") == "+OK done");
    CHECK(server.count("DELE 2") == 0);
  }
  SECTION("before it begins: the session goes on") {
    relay.keeper_down = true;
    CHECK(client->ask("RETR 1").starts_with("-ERR [SYS/TEMP]"));
    CHECK(client->ask("DELE 1").starts_with("-ERR [SYS/TEMP]"));
    CHECK(server.count("RETR 1") == 0);
    relay.keeper_down = false;
    CHECK(client->retrieve(1) == some_mails()[0].content);
    return;
  }
  relay.faulty().fail = nullptr;
  CHECK(relay.live() == 0);
  CHECK(server.mails().size() == 4);
}

TEST_CASE("A mailbox that accepts no mail at present refuses the login, or the mail") {
  FakePop3 server(some_mails());
  ProxyVault relay(server);
  auto client = relay.log_in();
  relay.faulty().fail = [](std::string_view operation) -> std::optional<Error> {
    if (operation == "resolve") return Error(Code::NotFound, "no such mailbox");
    return std::nullopt;
  };
  CHECK(client->ask("RETR 1").starts_with("-ERR [SYS/TEMP]"));
  auto other = relay.connect();
  CHECK(other->log_in("joe", "secret").starts_with("-ERR"));
  CHECK(server.count("USER joe") == 0);
}

TEST_CASE("If the route says so, mail passes without a copy") {
  FakePop3 server(some_mails());
  ProxyVault relay(server);
  relay.route().on_copy_failure = vault::OnCopyFailure::Pass;
  SECTION("the keeper is missing from the start") {
    relay.keeper_down = true;
    auto client = relay.log_in();
    CHECK(client->retrieve(2) == some_mails()[1].content);
    CHECK(client->ask("DELE 2") == "+OK gone");
    relay.keeper_down = false;
    CHECK(client->retrieve(1) == some_mails()[0].content);
    CHECK(relay.live() == 1);
    CHECK(client->ask("QUIT") == "+OK bye");
  }
  SECTION("the keeper fails in the middle") {
    auto client = relay.log_in();
    relay.faulty().fail = [](std::string_view operation) -> std::optional<Error> {
      if (operation == "begin") return Error(Code::Full, "no room");
      return std::nullopt;
    };
    CHECK(client->retrieve(2) == some_mails()[1].content);
    CHECK(client->retrieve(1) == some_mails()[0].content);
    CHECK(client->ask("DELE 2") == "+OK gone");
    relay.faulty().fail = nullptr;
  }
}

TEST_CASE("Without a keeper no login is passed on") {
  FakePop3 server(some_mails());
  ProxyVault relay(server);
  relay.keeper_down = true;
  auto client = relay.connect();
  CHECK(client->log_in("joe", "secret").starts_with("-ERR"));
  CHECK(server.count("USER joe") == 0);
}

TEST_CASE("A client that disconnects without QUIT deletes nothing at the server") {
  FakePop3 server(some_mails());
  ProxyVault relay(server);
  auto client = relay.log_in();
  client->retrieve(1);
  CHECK(client->ask("DELE 1") == "+OK gone");
  SECTION("between commands") {}
  SECTION("in the middle of a mail") {
    client->send("RETR 2\r\n");
  }
  client->end();
  relay.await_closed();
  CHECK(server.count("QUIT") == 0);
  CHECK(server.mails().size() == 4);
}

TEST_CASE("A mail whose end the server does not send is not copied, and the client gets no final dot") {
  FakePop3 server(some_mails());
  server.instead = [](const std::string& command) -> std::optional<std::string> {
    if (command == "RETR 1") return "+OK\r\nSubject: half\r\n.(close)";
    if (command == "RETR 2") return "+OK\r\n" + std::string(200'000, 'x') + "(close)";
    if (command == "RETR 3") return "+OK\r\nx\r\n.\r\n+OK early\r\n";
    return std::nullopt;
  };
  ProxyVault relay(server);
  for (const std::string command : {"RETR 1", "RETR 2", "RETR 3"}) {
    auto client = relay.log_in();
    CHECK(client->ask(command) == "+OK");
    CHECK(client->text().ends_with("(closed)"));
    relay.await_closed();
  }
  for (const std::string command : {"DELE 1", "DELE 2", "DELE 3"}) {
    auto client = relay.log_in();
    CHECK(client->ask(command) == "-ERR [SYS/TEMP] Upstream server is unavailable, try again later");
    CHECK(client->closed());
  }
  CHECK(relay.live() == 0);
  CHECK(server.count("DELE 1") == 0);
}

TEST_CASE("Commands and replies pass unchanged with their codes, also when the client pipelines") {
  FakePop3 server(some_mails());
  server.instead = [](const std::string& command) -> std::optional<std::string> {
    if (command == "NOOP") return "-ERR [SYS/TEMP] \x1b[2J \xff\r\n";
    return std::nullopt;
  };
  ProxyVault relay(server);
  auto client = relay.log_in();
  client->send(
      "STAT\r\nLIST 1\r\nUIDL 2\r\nUIDL 9\r\nRSET\r\nNOOP\r\nLIST\r\nUIDL\r\nRETR 3\r\nRETR 1\r\nDELE "
      "1\r\nQUIT\r\n");
  CHECK(client->line() == "+OK 4 1000");
  CHECK(client->line() == "+OK 1 " + std::to_string(some_mails()[0].content.size()));
  CHECK(client->line() == "+OK 2 uid-2");
  CHECK(client->line() == "-ERR none");
  CHECK(client->line() == "+OK done");
  CHECK(client->line() == "-ERR [SYS/TEMP] ?[2J ?");
  CHECK(client->line() == "+OK");
  CHECK(client->text().starts_with("1 "));
  CHECK(client->line() == "+OK");
  CHECK(client->text() == "1 uid-1\r\n2 uid-2\r\n3 uid-3\r\n4 uid-4\r\n");
  CHECK(client->line() == "+OK octets");
  CHECK(client->text().empty());
  CHECK(client->line() == "+OK octets");
  CHECK(client->text() == some_mails()[0].content);
  CHECK(client->line() == "+OK gone");
  CHECK(client->line() == "+OK bye");
  CHECK(client->closed());
  CHECK(server.count("UIDL") == 1);  // the client's own; the proxy needs no second one
  CHECK(server.mails().size() == 3);
}

TEST_CASE("CAPA lists what both the server and the proxy support") {
  FakePop3 server(some_mails());
  ProxyVault relay(server);
  auto client = relay.connect();
  CHECK(client->line() == "+OK gw.example POP3 server ready");
  CHECK(client->ask("CAPA") == "+OK");
  CHECK(
      client->text() ==
      "TOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nUSER\r\nSASL PLAIN LOGIN XOAUTH2\r\nIMPLEMENTATION gw\r\n");
  CHECK(client->ask("APOP joe 0123456789abcdef0123456789abcdef").starts_with("-ERR"));
  CHECK(client->ask("UTF8").starts_with("-ERR"));
  CHECK(client->ask("USER joe") == "+OK name");
  CHECK(client->ask("PASS secret") == "+OK welcome");
  CHECK(client->ask("CAPA") == "+OK");
  CHECK(client->text() == "TOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nIMPLEMENTATION gw\r\n");
}

TEST_CASE("AUTH is repeated to the server, message by message") {
  FakePop3 server(some_mails());
  ProxyVault relay(server);
  auto client = relay.connect();
  client->line();
  SECTION("PLAIN") {
    CHECK(client->ask("AUTH PLAIN AGpvZQBzZWNyZXQ=") == "+OK welcome");
    CHECK(server.count("AUTH PLAIN") == 1);
    CHECK(server.count("AGpvZQBzZWNyZXQ=") == 1);
  }
  SECTION("LOGIN") {
    CHECK(client->ask("AUTH LOGIN") == "+ VXNlcm5hbWU6");
    CHECK(client->ask("am9l") == "+ UGFzc3dvcmQ6");
    CHECK(client->ask("c2VjcmV0") == "+OK welcome");
    CHECK(server.count("am9l") == 1);
    CHECK(server.count("c2VjcmV0") == 1);
  }
  SECTION("a token, and the server's challenge when it refuses the token") {
    server.instead = [](const std::string& command) -> std::optional<std::string> {
      if (command.starts_with("dXNlcj")) return "+ eyJzdGF0dXMiOiI0MDAifQ==\r\n";
      if (command.empty()) return "-ERR [AUTH] token\r\n";
      return std::nullopt;
    };
    CHECK(client->ask("AUTH XOAUTH2 dXNlcj1qb2UBYXV0aD1CZWFyZXIgdAEB") == "+ eyJzdGF0dXMiOiI0MDAifQ==");
    CHECK(client->ask("") == "-ERR [AUTH] token");
    return;
  }
  SECTION("a mechanism that the server does not have is not offered") {
    CHECK(client->ask("AUTH SCRAM-SHA-256").starts_with("-ERR"));
    CHECK(client->ask("AUTH OAUTHBEARER").starts_with("-ERR"));
    return;
  }
  client->retrieve(1);
  CHECK(relay.live() == 1);
}

TEST_CASE("The client gets the server's refusal; after three wrong passwords the session ends") {
  FakePop3 server(some_mails());
  ProxyVault relay(server);
  net::ThrottlePolicy policy;
  policy.longest_wait = 1ms;
  net::LoginThrottle limits(policy);
  relay.service.limits = &limits;
  server.instead = [](const std::string& command) -> std::optional<std::string> {
    if (command == "PASS busy") return "-ERR [IN-USE] locked by another session\r\n";
    return std::nullopt;
  };
  auto client = relay.connect();
  CHECK(client->log_in("joe", "busy") == "-ERR [IN-USE] locked by another session");
  client->ask("USER joe");
  CHECK(client->ask("PASS busy") == "-ERR [IN-USE] locked by another session");
  for (int i = 0; i < 3; ++i) {
    CHECK(client->ask("USER joe") == "+OK name");
    CHECK(client->ask("PASS wrong") == "-ERR [AUTH] no");
  }
  CHECK(client->closed());
}

TEST_CASE(
    "A client that says nothing opens no connection to the server, and ends when the time for a login is "
    "over") {
  FakePop3 server(some_mails());
  ProxyVault relay(server);
  relay.service.login.time = 100ms;
  auto client = relay.connect();
  CHECK(client->line() == "+OK gw.example POP3 server ready");
  CHECK(client->closed());
  client->end();
  CHECK(server.accepted() == 0);
  relay.service.login.time = 60s;
  auto other = relay.connect();
  CHECK(other->line() == "+OK gw.example POP3 server ready");
  CHECK(other->ask("USER joe") == "+OK name");
  CHECK(server.accepted() == 1);
}

TEST_CASE("A login that no route accepts counts like a wrong password") {
  FakePop3 server(some_mails());
  ProxyVault relay(server);
  net::LoginThrottle limits;
  relay.service.limits = &limits;
  relay.route().logins = {"*@example.com"};
  auto client = relay.connect();
  CHECK(client->line().starts_with("+OK"));
  for (int i = 0; i < 3; ++i) CHECK(client->ask("USER joe") == "-ERR [AUTH] No route for this login");
  CHECK(client->closed());
  CHECK(limits.wait("unix") > 0ms);
}

TEST_CASE("A server that cannot be reached, refuses, or breaks the protocol") {
  FakePop3 server(some_mails());
  ProxyVault relay(server);
  SECTION("cannot be reached") {
    relay.route().port = 1;
    auto client = relay.connect();
    CHECK(client->line() == "+OK gw.example POP3 server ready");
    CHECK(client->ask("CAPA") == "-ERR [SYS/TEMP] Upstream server is unavailable, try again later");
    CHECK(client->closed());
  }
  SECTION("has an address that the route does not allow") {
    relay.route().allow_private = false;
    auto client = relay.connect();
    CHECK(client->line() == "+OK gw.example POP3 server ready");
    CHECK(client->ask("CAPA") == "-ERR [SYS/TEMP] Upstream server is unavailable, try again later");
  }
  SECTION("greets with -ERR") {
    server.greeting = "-ERR [SYS/TEMP] come back later\r\n";
    auto client = relay.connect();
    CHECK(client->line() == "+OK gw.example POP3 server ready");
    CHECK(client->ask("CAPA") == "-ERR [SYS/TEMP] come back later");
    CHECK(client->closed());
  }
  SECTION("sends more than its greeting") {
    server.greeting = "+OK ready\r\n+OK capable\r\n";
    auto client = relay.connect();
    CHECK(client->line() == "+OK gw.example POP3 server ready");
    CHECK(client->ask("CAPA") == "-ERR [SYS/TEMP] Upstream server is unavailable, try again later");
  }
  SECTION("does not offer STLS") {
    relay.route().tls = vault::UpstreamTls::StartTls;
    auto client = relay.connect();
    CHECK(client->line() == "+OK gw.example POP3 server ready");
    CHECK(client->ask("CAPA") == "-ERR [SYS/TEMP] Upstream server refused STLS");
    CHECK(server.count("CAPA") == 0);
  }
  SECTION("sends endless capabilities") {
    server.capabilities.clear();
    for (int i = 0; i < 20'000; ++i) server.capabilities += "X-MORE\r\n";
    auto client = relay.connect();
    CHECK(client->line() == "+OK gw.example POP3 server ready");
    CHECK(client->ask("CAPA") == "-ERR [SYS/TEMP] Upstream server is unavailable, try again later");
  }
  SECTION("sends an endless line") {
    server.instead = [](const std::string& command) -> std::optional<std::string> {
      if (command == "STAT") return "+OK " + std::string(100'000, 'x');
      return std::nullopt;
    };
    auto client = relay.log_in();
    CHECK(client->ask("STAT") == "-ERR [SYS/TEMP] Upstream server is unavailable, try again later");
    CHECK(client->closed());
  }
  SECTION("sends nothing") {
    relay.service.times.reply = 100ms;
    server.instead = [](const std::string& command) -> std::optional<std::string> {
      if (command == "STAT") return "";
      return std::nullopt;
    };
    auto client = relay.log_in();
    CHECK(client->ask("STAT") == "-ERR [SYS/TEMP] Upstream server is unavailable, try again later");
    CHECK(client->closed());
  }
  SECTION("accepts a login without a user name") {
    server.instead = [](const std::string& command) -> std::optional<std::string> {
      if (command == "AUTH PLAIN") return "+OK welcome\r\n";
      return std::nullopt;
    };
    auto client = relay.connect();
    client->line();
    CHECK(client->ask("AUTH PLAIN AGpvZQBzZWNyZXQ=") ==
          "-ERR [SYS/TEMP] Upstream server is unavailable, try again later");
    CHECK(client->closed());
  }
  SECTION("closes at QUIT") {
    server.instead = [](const std::string& command) -> std::optional<std::string> {
      if (command == "QUIT") return "(close)";
      return std::nullopt;
    };
    auto client = relay.log_in();
    CHECK(client->ask("QUIT").starts_with("-ERR [SYS/TEMP]"));
    CHECK(client->closed());
  }
}

TEST_CASE("On a listener of several routes the login names its route") {
  FakePop3 server(some_mails());
  FakePop3 second(std::vector<FakePop3::Mail>{{"1", "Subject: second\r\n\r\n"}});
  ProxyVault relay(server);
  relay.listener.route.clear();
  relay.routes.push_back(relay.route());
  relay.routes.back().name = "home";
  relay.routes.back().port = second.port();
  auto client = relay.connect();
  CHECK(client->line() == "+OK gw.example POP3 server ready");
  CHECK(server.commands().empty());
  CHECK(client->ask("CAPA") == "+OK");
  CHECK(client->text() ==
        "TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nUSER\r\nSASL PLAIN LOGIN XOAUTH2 "
        "OAUTHBEARER\r\nIMPLEMENTATION gw\r\n");
  CHECK(client->ask("USER joe@example.com").starts_with("-ERR [AUTH]"));
  CHECK(client->ask("USER joe@example.com#nowhere").starts_with("-ERR [AUTH]"));
  SECTION("by USER, and by a second USER") {
    CHECK(client->ask("USER joe@example.com#work") == "+OK name");
    CHECK(client->ask("USER joe@example.com#home") == "+OK name");
    CHECK(client->ask("PASS secret") == "+OK welcome");
    CHECK(server.count("USER joe@example.com") == 1);
    CHECK(second.count("USER joe@example.com") == 1);
    CHECK(second.count("PASS secret") == 1);
    CHECK(server.count("PASS secret") == 0);
    CHECK(client->retrieve(1) == "Subject: second\r\n\r\n");
    CHECK(relay.live() == 1);
  }
  SECTION("by AUTH") {
    // joe#home
    CHECK(client->ask("AUTH PLAIN AGpvZSNob21lAHNlY3JldA==") == "+OK welcome");
    CHECK(second.count("AGpvZQBzZWNyZXQ=") == 1);
  }
  SECTION("if the server does not offer the mechanism, name and password are sent as USER and PASS") {
    second.capabilities = "USER\r\n";
    CHECK(client->ask("AUTH PLAIN AGpvZSNob21lAHNlY3JldA==") == "+OK welcome");
    CHECK(second.count("USER joe") == 1);
    CHECK(second.count("PASS secret") == 1);
  }
  SECTION("if the server does not offer the mechanism of a token, the client's refusal has no [AUTH]") {
    second.capabilities = "USER\r\n";
    CHECK(client->ask("AUTH XOAUTH2 " + to_base64(as_bytes("user=joe#home\1auth=Bearer t\1\1"s))) ==
          "-ERR [SYS/PERM] Upstream server does not support this mechanism");
  }
  SECTION("if its server cannot be reached the client may try another") {
    relay.routes.back().port = 1;
    CHECK(client->ask("USER joe#home") == "-ERR [SYS/TEMP] Upstream server is unavailable, try again later");
    CHECK(client->ask("USER joe#work") == "+OK name");
  }
}

TEST_CASE("A login that the route does not accept never reaches the server") {
  FakePop3 server(some_mails());
  ProxyVault relay(server);
  relay.route().logins = {"*@example.com"};
  auto client = relay.connect();
  client->line();
  CHECK(client->ask("USER joe@elsewhere.example").starts_with("-ERR [AUTH]"));
  // boss@elsewhere.example, by joe@example.com
  CHECK(client->ask("AUTH PLAIN Ym9zc0BlbHNld2hlcmUuZXhhbXBsZQBqb2VAZXhhbXBsZS5jb20Ac2VjcmV0")
            .starts_with("-ERR [AUTH]"));
  CHECK(server.commands() == std::vector{"CAPA"s});
  CHECK(client->ask("USER joe@example.com") == "+OK name");
}

TEST_CASE("Without TLS a password from the network is refused") {
  FakePop3 server(some_mails());
  ProxyVault relay(server);
  const std::string peer = GENERATE("192.0.2.7"s, "unix"s);
  relay.service.allow_plaintext_auth = peer != "unix";
  auto client = relay.connect(peer);
  client->line();
  CHECK(client->ask("USER joe") == "-ERR [AUTH] Authentication requires TLS");
  CHECK(client->ask("AUTH PLAIN AGpvZQBzZWNyZXQ=") == "-ERR [AUTH] Authentication requires TLS");
  CHECK(client->ask("CAPA") == "+OK");
  CHECK(client->text().find("SASL") == std::string::npos);
}

namespace {

// A certificate for 127.0.0.1, and routes that trust it.
struct Certified {
  Certified() {
    const net::CertificateFiles files{directory.path() + "/cert.pem", directory.path() + "/key.pem"};
    REQUIRE(net::make_self_signed("localhost", files));
    certificate = files.certificate;
    auto loaded = net::ServerTls::load({files});
    REQUIRE(loaded);
    tls = *loaded;
  }
  test::TempFolder directory;
  std::string certificate;
  std::shared_ptr<const net::ServerTls> tls;
};

}  // namespace

TEST_CASE("TLS is started on both connections independently, and the copy is the same mail") {
  const Certified certified;
  FakePop3 server(some_mails());
  server.tls = certified.tls;
  ProxyVault relay(server);
  relay.route().tls = vault::UpstreamTls::StartTls;
  relay.route().ca_file = certified.certificate;
  relay.service.allow_plaintext_auth = false;
  relay.service.tls = [&]() -> Result<std::shared_ptr<const net::ServerTls>> { return certified.tls; };
  auto client = relay.connect("192.0.2.7");
  CHECK(client->line() == "+OK gw.example POP3 server ready");
  CHECK(client->ask("CAPA") == "+OK");
  CHECK(server.commands() == std::vector{"STLS"s, "CAPA"s});
  CHECK(client->text() == "TOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nSTLS\r\nIMPLEMENTATION gw\r\n");
  CHECK(client->ask("USER joe") == "-ERR [AUTH] Authentication requires TLS");
  CHECK(client->ask("STLS") == "+OK");
  net::ClientPolicy policy;
  policy.ca_file = certified.certificate;
  auto trust = net::ClientTls::make(policy);
  REQUIRE(trust);
  REQUIRE(client->stream().connect_tls(**trust, "localhost", 10s));
  CHECK(client->ask("CAPA") == "+OK");
  CHECK(
      client->text() ==
      "TOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nUSER\r\nSASL PLAIN LOGIN XOAUTH2\r\nIMPLEMENTATION gw\r\n");
  CHECK(client->ask("USER joe") == "+OK name");
  CHECK(client->ask("PASS secret") == "+OK welcome");
  for (std::size_t n = 1; n <= 4; ++n) CHECK(client->retrieve(n) == some_mails()[n - 1].content);
  CHECK(relay.live() == 4);
}

TEST_CASE("A server with a wrong certificate or wrong use of TLS gets no credentials") {
  const Certified certified;
  const Certified other;
  FakePop3 server(some_mails());
  server.tls = certified.tls;
  ProxyVault relay(server);
  relay.route().tls = vault::UpstreamTls::StartTls;
  relay.route().ca_file = certified.certificate;
  SECTION("a certificate of another server") {
    relay.route().ca_file = other.certificate;
  }
  SECTION("a certificate that is not the pinned one") {
    relay.route().pin = Digest{};
  }
  SECTION("data in clear text after the reply to STLS") {
    server.instead = [](const std::string& command) -> std::optional<std::string> {
      if (command == "STLS") return "+OK go\r\n+OK capable\r\n.\r\n+OK welcome\r\n";
      return std::nullopt;
    };
  }
  SECTION("a reply to STLS that comes with the greeting") {
    server.greeting = "+OK ready\r\n+OK go\r\n";
  }
  auto client = relay.connect();
  CHECK(client->line().starts_with("+OK"));
  CHECK(client->ask("USER joe") == "-ERR [SYS/TEMP] Upstream server is unavailable, try again later");
  CHECK(client->closed());
  for (const std::string& command : server.commands()) CHECK(command == "STLS");
}

TEST_CASE("Data that a client sends in clear text after STLS ends its session") {
  const Certified certified;
  FakePop3 server(some_mails());
  ProxyVault relay(server);
  relay.service.tls = [&]() -> Result<std::shared_ptr<const net::ServerTls>> { return certified.tls; };
  auto client = relay.connect();
  client->line();
  client->send("STLS\r\nUSER joe\r\n");
  CHECK(client->line() == "-ERR Commands may not be pipelined after STLS");
  CHECK(client->closed());
  CHECK(server.count("USER joe") == 0);
}

TEST_CASE("A process that is stopping completes the mail in transfer, and deletes nothing") {
  FakePop3 server(some_mails());
  server.instead = [](const std::string& command) -> std::optional<std::string> {
    if (command == "RETR 2") net::stop::request();
    return std::nullopt;
  };
  ProxyVault relay(server);
  auto client = relay.log_in();
  client->stream().finish(20s);
  CHECK(client->ask("DELE 1") == "+OK gone");
  SECTION("in the middle of a mail") {
    CHECK(client->retrieve(2) == some_mails()[1].content);
  }
  SECTION("between commands") {
    net::stop::request();
  }
  CHECK(client->closed());
  relay.await_closed();
  net::stop::withdraw();
  CHECK(server.count("QUIT") == 0);
  CHECK(server.mails().size() == 4);
}

TEST_CASE("A client that stalls is disconnected after its time, and nothing is deleted") {
  FakePop3 server(some_mails());
  ProxyVault relay(server);
  relay.service.idle_timeout = 1s;
  auto client = relay.log_in();
  CHECK(client->ask("DELE 1") == "+OK gone");
  CHECK(client->closed());
  relay.await_closed();
  CHECK(server.mails().size() == 4);
}

TEST_CASE("A changed route applies from the next connection on") {
  FakePop3 server(some_mails());
  ProxyVault relay(server);
  auto before = relay.log_in();
  relay.route().logins = {"nobody"};
  CHECK(before->retrieve(1) == some_mails()[0].content);
  auto after = relay.connect();
  CHECK(after->log_in("joe", "secret").starts_with("-ERR"));
}

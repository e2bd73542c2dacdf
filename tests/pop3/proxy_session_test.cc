#include "pop3/proxy_session.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "support/cuts.h"

namespace gw::pop3 {
namespace {

using namespace std::literals;

// A driver whose server knows `joe` with `secret word`, refuses DELE 9, and accepts everything else.
struct Drive {
  std::string out;
  std::vector<std::string> asked;
  bool closed = false;

  void send(ProxySession& session) {
    out += as_text(session.output());
    session.output_sent();
  }

  void run(ProxySession& session) {
    for (;;) {
      const ProxySession::Event& event = session.next_event();
      if (std::holds_alternative<ProxySession::NeedInput>(event)) return send(session);
      if (std::holds_alternative<ProxySession::Closed>(event)) {
        closed = true;
        return send(session);
      }
      if (std::holds_alternative<ProxySession::StartTls>(event)) {
        session.ok("");
        send(session);
        asked.push_back("tls");
        session.tls_started();
        return;
      }
      if (std::holds_alternative<ProxySession::Capa>(event)) {
        session.list({"TOP", "UIDL"});
      } else if (const auto* user = std::get_if<ProxySession::User>(&event)) {
        asked.push_back("user " + user->name);
        user->name == "nobody" ? session.refuse("[AUTH] no") : session.ok("");
      } else if (const auto* pass = std::get_if<ProxySession::Pass>(&event)) {
        pass->password.text() == "secret word" ? session.ok("in") : session.refuse("[AUTH] wrong");
      } else if (const auto* auth = std::get_if<ProxySession::Auth>(&event)) {
        asked.push_back("auth " + std::string(auth->said->mechanism()) + " " + auth->said->login());
        if (auth->said->mechanism() == "XOAUTH2")
          session.challenge("eyJzdGF0dXMiOiI0MDAifQ==");
        else
          session.ok("in");
      } else if (const auto* response = std::get_if<ProxySession::Response>(&event)) {
        asked.push_back("response " + std::string(response->line.text()));
        session.refuse("[AUTH] token");
      } else if (const auto* ask = std::get_if<ProxySession::Ask>(&event)) {
        asked.push_back(ask->command);
        if (ask->verb == Verb::Dele && ask->number == 9) {
          session.refuse("gone");
          continue;
        }
        session.ok("");
        if (!ask->text) continue;
        session.text(as_bytes(".\r\n"), true);
        session.text(as_bytes("x\r\n"), false);
        session.text_end();
      } else if (std::holds_alternative<ProxySession::Quit>(event)) {
        asked.push_back("QUIT");
        session.ok("bye");
      }
    }
  }
};

ProxyOptions within_tls() {
  ProxyOptions options;
  options.tls = true;
  options.tls_available = true;
  return options;
}

Drive play(const std::string& input, const ProxyOptions& options = within_tls()) {
  std::optional<Drive> first;
  for (std::size_t cut = 1; cut <= input.size() + 1; cut += 1 + cut / 8) {
    Drive drive;
    ProxySession session(options);
    session.set_mechanisms({"PLAIN", "LOGIN", "XOAUTH2"});
    session.ok("ready");
    drive.run(session);
    test::in_pieces(input, cut, [&](ByteView piece) {
      if (drive.closed) return;
      session.receive(piece);
      drive.run(session);
    });
    if (!first) first = drive;
    CAPTURE(cut, input, drive.out, first->out);
    REQUIRE(drive.out == first->out);
    REQUIRE(drive.asked == first->asked);
    REQUIRE(drive.closed == first->closed);
  }
  return *first;
}

const std::string kLogin = "USER joe\r\nPASS secret word\r\n";
const std::string kIn = "+OK ready\r\n+OK\r\n+OK in\r\n";

std::string after_login(const std::string& input) {
  const std::string out = play(kLogin + input).out;
  REQUIRE(out.starts_with(kIn));
  return out.substr(kIn.size());
}

TEST_CASE("USER and PASS are asked one after the other, and passwords keep their spaces") {
  CHECK(play(kLogin).out == kIn);
  CHECK(play("USER joe\r\nPASS secret word \r\n").out == "+OK ready\r\n+OK\r\n-ERR [AUTH] wrong\r\n");
  CHECK(play("PASS secret word\r\nUSER nobody\r\nPASS x\r\nUSER\r\n").out ==
        "+OK ready\r\n-ERR USER command required first\r\n-ERR [AUTH] no\r\n-ERR USER command required "
        "first\r\n-ERR Missing or invalid user name\r\n");
}

TEST_CASE("Credentials in clear text are refused unless they are allowed") {
  ProxyOptions plain;
  plain.tls_available = true;
  const Drive refused = play("USER joe\r\nPASS x\r\nAUTH PLAIN AGpvZQBzZWNyZXQ=\r\nAUTH\r\n", plain);
  CHECK(refused.out ==
        "+OK ready\r\n-ERR [AUTH] Authentication requires TLS\r\n-ERR [AUTH] Authentication requires "
        "TLS\r\n-ERR [AUTH] Authentication requires TLS\r\n+OK\r\n.\r\n");
  CHECK(refused.asked.empty());
  plain.allow_plaintext = true;
  CHECK(play(kLogin, plain).out == kIn);
}

TEST_CASE("AUTH passes on what the client sent, by the mechanisms that upstream has") {
  const std::string greeting = "+OK ready\r\n";
  CHECK(play("AUTH\r\n").out == greeting + "+OK\r\nPLAIN\r\nLOGIN\r\nXOAUTH2\r\n.\r\n");
  Drive drive = play("AUTH plain AGpvZQBzZWNyZXQ=\r\nSTAT\r\n");
  CHECK(drive.out == greeting + "+OK in\r\n+OK\r\n");
  CHECK(drive.asked == std::vector{"auth PLAIN joe"s, "STAT"s});
  drive = play("AUTH LOGIN\r\nam9l\r\nc2VjcmV0\r\n");
  CHECK(drive.out == greeting + "+ VXNlcm5hbWU6\r\n+ UGFzc3dvcmQ6\r\n+OK in\r\n");
  CHECK(drive.asked == std::vector{"auth LOGIN joe"s});
  CHECK(play("AUTH PLAIN\r\n*\r\nAUTH PLAIN\r\n%\r\nAUTH OAUTHBEARER\r\nAUTH CRAM-MD5\r\n").out ==
        greeting +
            "+ \r\n-ERR Authentication cancelled\r\n+ \r\n-ERR Malformed authentication data\r\n-ERR "
            "Unsupported authentication mechanism\r\n-ERR Unsupported authentication mechanism\r\n");
}

TEST_CASE("The challenge of a token mechanism, and the response, pass unchanged") {
  // user=joe^Aauth=Bearer t^A^A
  const Drive drive = play("AUTH XOAUTH2 dXNlcj1qb2UBYXV0aD1CZWFyZXIgdAEB\r\n\r\nNOOP\r\n");
  CHECK(drive.out ==
        "+OK ready\r\n+ eyJzdGF0dXMiOiI0MDAifQ==\r\n-ERR [AUTH] token\r\n-ERR Command not allowed before "
        "login\r\n");
  CHECK(drive.asked == std::vector{"auth XOAUTH2 joe"s, "response "s});
}

TEST_CASE("Commands are passed on in one form, whatever the client wrote") {
  const Drive drive = play(kLogin +
                           "stat\r\nlist\r\nLIST  3 \r\nuidl\r\nUIDL 03\r\nretr 1\r\nTop 1  0\r\nDELE 2\r\n"
                           "RSET\r\nNOOP\r\nCAPA\r\nQUIT\r\n");
  CHECK(drive.asked == std::vector{"user joe"s, "STAT"s, "LIST"s, "LIST 3"s, "UIDL"s, "UIDL 3"s, "RETR 1"s,
                                   "TOP 1 0"s, "DELE 2"s, "RSET"s, "NOOP"s, "QUIT"s});
  const std::string text = "+OK\r\n..\r\nx\r\n.\r\n";
  CHECK(drive.out == kIn + "+OK\r\n" + text + "+OK\r\n" + text + "+OK\r\n" + text + text +
                         "+OK\r\n+OK\r\n+OK\r\n+OK\r\nTOP\r\nUIDL\r\n.\r\n+OK bye\r\n");
  CHECK(drive.closed);
}

TEST_CASE("A command that no server could execute is refused by the proxy") {
  CHECK(after_login("RETR\r\nRETR x\r\nRETR 1 2\r\nTOP 1\r\nSTAT 1\r\nLIST 1 2\r\nDELE "
                    "99999999999999999999\r\nDELE 9\r\n") ==
        "-ERR Message number expected\r\n-ERR Message number expected\r\n-ERR Message number expected\r\n"
        "-ERR Message number and line count expected\r\n-ERR No argument expected\r\n-ERR Message number "
        "expected\r\n"
        "-ERR Message number expected\r\n-ERR gone\r\n");
  CHECK(after_login("USER x\r\nSTLS\r\nXTND XLST\r\nAPOP a b\r\nHELO\r\n") ==
        "-ERR Command not allowed after login\r\n-ERR Command not allowed after login\r\n-ERR Command not "
        "supported\r\n-ERR Command not supported\r\n-ERR Unknown command\r\n");
  CHECK(play("RETR 1\r\nDELE 1\r\n").asked.empty());
}

TEST_CASE("Data after STLS in the same piece ends the session, and TLS discards everything before it") {
  ProxyOptions plain;
  plain.tls_available = true;
  plain.allow_plaintext = true;
  ProxySession session(plain);
  Drive drive;
  session.receive(as_bytes("USER joe\r\nSTLS\r\n"));
  drive.run(session);
  CHECK(drive.asked == std::vector{"user joe"s, "tls"s});
  session.receive(as_bytes("PASS secret word\r\nSTLS\r\n"));
  drive.run(session);
  CHECK(drive.out == "+OK\r\n+OK\r\n-ERR USER command required first\r\n-ERR TLS is already active\r\n");

  ProxySession injected(plain);
  Drive other;
  injected.receive(as_bytes("STLS\r\nUSER joe\r\n"));
  other.run(injected);
  CHECK(other.out == "-ERR Commands may not be pipelined after STLS\r\n");
  CHECK(other.closed);
  CHECK(other.asked.empty());
}

TEST_CASE("Malformed lines are refused, the third closes the connection, and none reaches the server") {
  const Drive drive = play(kLogin + "DELE 1\nDELE 2\r\nNO\rOP\r\nDELE\0 3\r\nDELE 4\r\n"s);
  CHECK(drive.asked == std::vector{"user joe"s});
  CHECK(drive.closed);
  CHECK(drive.out.ends_with("-ERR Too many malformed commands\r\n"));
}

TEST_CASE("A session that is closed in the middle of a text sends no final dot") {
  ProxySession session(within_tls());
  session.receive(as_bytes(kLogin));
  Drive drive;
  drive.run(session);
  session.receive(as_bytes("RETR 1\r\nNOOP\r\n"));
  REQUIRE(std::holds_alternative<ProxySession::Ask>(session.next_event()));
  session.ok("");
  session.text(as_bytes("half\r\n"), false);
  session.close();
  CHECK(as_text(session.output()) == "+OK\r\nhalf\r\n");
  CHECK(std::holds_alternative<ProxySession::Closed>(session.next_event()));
}

}  // namespace
}  // namespace gw::pop3

#include "pop3/session.h"

#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "pop3/top.h"
#include "support/cuts.h"

using namespace std::literals;

namespace gw::pop3 {
namespace {

// A driver that knows one user, `joe` with `secret word`, and the given messages.
struct Drive {
  std::vector<std::string> mails{"A: 1\r\n\r\none\r\n", "B: 2\r\n\r\n.two\r\n\r\nlines\r\n"};
  std::size_t broken = 0;  // the number of the message that cannot be opened
  bool update_fails = false;
  std::vector<std::size_t> deleted;
  bool updated = false;
  bool closed = false;
  std::size_t tls_starts = 0;
  std::size_t most_output = 0;
  std::string out;

  std::vector<Listed> snapshot() const {
    std::vector<Listed> all;
    for (std::size_t i = 0; i < mails.size(); ++i) {
      Listed listed;
      listed.id.data.back() = static_cast<std::byte>(i + 1);
      listed.size = mails[i].size();
      all.push_back(listed);
    }
    return all;
  }

  void send(Session& session) {
    most_output = std::max(most_output, session.output().size());
    out += as_text(session.output());
    session.output_sent();
  }

  void message(Session& session, std::size_t number, std::optional<std::uint64_t> lines) {
    if (number == broken) return session.refuse_damaged("[SYS/PERM] Cannot open the message");
    session.accept();
    ByteView text = as_bytes(mails[number - 1]);
    if (lines) {
      TopCut cut(*lines);
      while (!text.empty() && !cut.done()) {
        session.body(cut.take(text.first(1)));
        text = text.subspan(1);
      }
    } else {
      session.body(text);
    }
    session.body_end();
  }

  // Runs until input is needed.
  void run(Session& session) {
    for (;;) {
      const Event& event = session.next_event();
      if (std::holds_alternative<NeedInput>(event)) return send(session);
      if (std::holds_alternative<Flush>(event)) send(session);
      if (std::holds_alternative<Closed>(event)) {
        closed = true;
        return send(session);
      }
      if (std::holds_alternative<StartTls>(event)) {
        session.accept();
        send(session);
        session.tls_started();
        ++tls_starts;
        return;
      }
      if (const auto* login = std::get_if<Login>(&event)) {
        if (login->user == "joe" && login->password.text() == "secret word")
          session.accept(snapshot());
        else
          session.refuse("[AUTH] Authentication failed: wrong user name or password");
      } else if (const auto* retrieve = std::get_if<Retrieve>(&event)) {
        message(session, retrieve->number, std::nullopt);
      } else if (const auto* top = std::get_if<Top>(&event)) {
        message(session, top->number, top->lines);
      } else if (const auto* update = std::get_if<Update>(&event)) {
        if (update_fails) {
          session.refuse("[SYS/TEMP] not deleted");
        } else {
          updated = true;
          deleted = update->deleted;
          session.accept();
        }
      }
    }
  }
};

Options within_tls() {
  Options options;
  options.host = "gw.example";
  options.tls = true;
  options.tls_available = true;
  return options;
}

struct Outcome {
  std::string out;
  std::vector<std::size_t> deleted;
  bool updated = false;
  bool closed = false;
  bool operator==(const Outcome&) const = default;
};

// Plays `input` with every cut and returns the outcome, which must be the same each time.
Outcome play(const std::string& input, const Drive& with = {}, const Options& options = within_tls()) {
  std::optional<Outcome> first;
  for (std::size_t cut = 1; cut <= input.size() + 1; cut += 1 + cut / 8) {
    Drive drive = with;
    Session session(options);
    drive.run(session);
    test::in_pieces(input, cut, [&](ByteView piece) {
      if (drive.closed) return;
      session.receive(piece);
      drive.run(session);
    });
    Outcome outcome{drive.out, drive.deleted, drive.updated, drive.closed};
    if (!first) first = outcome;
    CAPTURE(cut, input, outcome.out, first->out);
    REQUIRE((outcome == *first));
  }
  return *first;
}

const std::string kGreeting = "+OK gw.example POP3 server ready\r\n";
const std::string kLogin = "USER joe\r\nPASS secret word\r\n";
const std::string kIn = kGreeting + "+OK\r\n+OK 2 messages\r\n";
const std::string kId1 = "00000000000000000000000000000001";
const std::string kId2 = "00000000000000000000000000000002";

std::string after_login(const std::string& input, const Drive& with = {}) {
  const std::string out = play(kLogin + input, with).out;
  REQUIRE(out.starts_with(kIn));
  return out.substr(kIn.size());
}

std::string before_login(const std::string& input, const Options& options = within_tls()) {
  const std::string out = play(input, {}, options).out;
  return out.substr(out.find('\n') + 1);
}

TEST_CASE("USER and PASS log in, verbs in any case; passwords keep their spaces") {
  CHECK(play(kLogin).out == kIn);
  CHECK(play("user joe\r\npAsS secret word\r\n").out == kIn);
  CHECK(before_login("USER joe\r\nPASS secret word \r\n") ==
        "+OK\r\n-ERR [AUTH] Authentication failed: wrong user name or password\r\n");
}

TEST_CASE("After a wrong password the session goes on and the name must be sent again") {
  CHECK(before_login("USER joe\r\nPASS x\r\nPASS secret word\r\n" + kLogin) ==
        "+OK\r\n-ERR [AUTH] Authentication failed: wrong user name or password\r\n-ERR USER command required "
        "first\r\n+OK\r\n+OK 2 messages\r\n");
}

TEST_CASE("CAPA lists in each state what works in it") {
  const std::string common =
      "+OK\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nUTF8\r\nEXPIRE NEVER\r\n";
  const std::string end = "IMPLEMENTATION gw\r\n.\r\n";
  Options plain = within_tls();
  plain.tls = false;
  CHECK(before_login("CAPA\r\n", plain) == common + "STLS\r\n" + end);
  CHECK(before_login("CAPA\r\n") == common + "USER\r\nSASL PLAIN\r\n" + end);
  CHECK(after_login("CAPA\r\n") == common + end);
  plain.allow_plaintext = true;
  CHECK(before_login("CAPA\r\n", plain) == common + "STLS\r\nUSER\r\nSASL PLAIN\r\n" + end);
  plain.tls_available = false;
  CHECK(before_login("CAPA\r\n", plain) == common + "USER\r\nSASL PLAIN\r\n" + end);
}

TEST_CASE("No login without TLS unless it is allowed") {
  Options plain = within_tls();
  plain.tls = false;
  CHECK(before_login(kLogin + "AUTH PLAIN AGpvZQBzZWNyZXQgd29yZA==\r\nAUTH\r\n", plain) ==
        "-ERR [AUTH] Authentication requires TLS\r\n-ERR [AUTH] Authentication requires TLS\r\n-ERR [AUTH] "
        "Authentication requires TLS\r\n+OK\r\n.\r\n");
  plain.allow_plaintext = true;
  CHECK(before_login(kLogin, plain) == "+OK\r\n+OK 2 messages\r\n");
}

TEST_CASE("AUTH lists the mechanisms, and accepts PLAIN in one step, in two, or cancelled") {
  CHECK(before_login("AUTH\r\n") == "+OK\r\nPLAIN\r\n.\r\n");
  CHECK(before_login("AUTH PLAIN AGpvZQBzZWNyZXQgd29yZA==\r\n") == "+OK 2 messages\r\n");
  CHECK(before_login("auth plain\r\nAGpvZQBzZWNyZXQgd29yZA==\r\nNOOP\r\n") ==
        "+ \r\n+OK 2 messages\r\n+OK\r\n");
  CHECK(before_login("AUTH PLAIN\r\n*\r\n" + kLogin) ==
        "+ \r\n-ERR Authentication cancelled\r\n+OK\r\n+OK 2 messages\r\n");
  CHECK(before_login("AUTH CRAM-MD5\r\n") == "-ERR Unsupported authentication mechanism\r\n");
}

TEST_CASE("A malformed AUTH response is refused and the session goes on") {
  const std::string refused = "-ERR Malformed authentication data\r\n";
  CHECK(before_login("AUTH PLAIN %%%\r\n") == refused);
  CHECK(before_login("AUTH PLAIN am9l\r\n") == refused);
  CHECK(before_login("AUTH PLAIN\r\nQUIT\r\n" + kLogin) == "+ \r\n" + refused + "+OK\r\n+OK 2 messages\r\n");
  CHECK(before_login("AUTH PLAIN =\r\n") == refused);
  // "amy" NUL "joe" NUL "secret word"
  CHECK(before_login("AUTH PLAIN YW15AGpvZQBzZWNyZXQgd29yZA==\r\n") ==
        "-ERR [AUTH] Authorization identity must be the user name\r\n");
}

TEST_CASE("STAT, LIST and UIDL answer from the snapshot") {
  CHECK(after_login("STAT\r\n") == "+OK 2 36\r\n");
  CHECK(after_login("LIST\r\n") == "+OK 2 messages\r\n1 13\r\n2 23\r\n.\r\n");
  CHECK(after_login("LIST 2\r\n") == "+OK 2 23\r\n");
  CHECK(after_login("UIDL\r\n") == "+OK 2 messages\r\n1 " + kId1 + "\r\n2 " + kId2 + "\r\n.\r\n");
  CHECK(after_login("UIDL 1\r\n") == "+OK 1 " + kId1 + "\r\n");
}

TEST_CASE("RETR sends a message with its dots doubled") {
  CHECK(after_login("RETR 2\r\n") == "+OK 23 octets\r\nB: 2\r\n\r\n..two\r\n\r\nlines\r\n.\r\n");
}

TEST_CASE("TOP sends the header, the empty line and exactly the requested number of lines") {
  CHECK(after_login("TOP 2 0\r\n") == "+OK\r\nB: 2\r\n\r\n.\r\n");
  CHECK(after_login("TOP 2 1\r\n") == "+OK\r\nB: 2\r\n\r\n..two\r\n.\r\n");
  CHECK(after_login("TOP 2 99\r\n") == "+OK\r\nB: 2\r\n\r\n..two\r\n\r\nlines\r\n.\r\n");
  Drive headless;
  headless.mails = {"\r\nbody\r\nmore\r\n", "no header\r\nat all\r\n"};
  CHECK(after_login("TOP 1 1\r\nTOP 2 1\r\n", headless) ==
        "+OK\r\n\r\nbody\r\n.\r\n+OK\r\nno header\r\nat all\r\n.\r\n");
}

TEST_CASE("DELE marks and hides a message and keeps the numbers; RSET removes the marks") {
  CHECK(after_login("DELE 1\r\nSTAT\r\nLIST\r\nRETR 1\r\nDELE 1\r\nLIST 1\r\nRSET\r\nSTAT\r\n") ==
        "+OK\r\n+OK 1 23\r\n+OK 1 messages\r\n2 23\r\n.\r\n-ERR Message is deleted\r\n-ERR Message is "
        "deleted\r\n-ERR Message is deleted\r\n+OK\r\n+OK 2 36\r\n");
}

TEST_CASE("QUIT asks the driver to delete the marked messages, and closes") {
  const Outcome outcome = play(kLogin + "DELE 2\r\nQUIT\r\nSTAT\r\n");
  CHECK(outcome.out == kIn + "+OK\r\n+OK\r\n");
  CHECK(outcome.deleted == std::vector<std::size_t>{2});
  CHECK(outcome.closed);
}

TEST_CASE("QUIT without deletions is an update too, so that the mailbox is free before the reply") {
  const Outcome outcome = play(kLogin + "DELE 1\r\nRSET\r\nQUIT\r\n");
  CHECK(outcome.updated);
  CHECK(outcome.deleted.empty());
}

TEST_CASE("QUIT before login updates nothing") {
  const Outcome outcome = play("QUIT\r\n");
  CHECK(outcome.out == kGreeting + "+OK\r\n");
  CHECK_FALSE(outcome.updated);
  CHECK(outcome.closed);
}

TEST_CASE("A failed update is reported and closes the connection") {
  Drive failing;
  failing.update_fails = true;
  const Outcome outcome = play(kLogin + "DELE 1\r\nQUIT\r\n", failing);
  CHECK(outcome.out == kIn + "+OK\r\n-ERR [SYS/TEMP] not deleted\r\n");
  CHECK(outcome.closed);
}

TEST_CASE("At the end of the input every command is answered and nothing is updated") {
  Drive drive;
  Session session(within_tls());
  session.receive(as_bytes(kLogin + "DELE 1\r\nNOOP\r\nQUI"));
  session.receive_eof();
  drive.run(session);
  CHECK(drive.out == kIn + "+OK\r\n+OK\r\n");
  CHECK(drive.closed);
  CHECK_FALSE(drive.updated);
}

TEST_CASE("A message that cannot be opened is refused and cannot be deleted, and the session goes on") {
  Drive damaged;
  damaged.broken = 1;
  CHECK(after_login("RETR 1\r\nDELE 1\r\nTOP 1 0\r\nRETR 2\r\nDELE 2\r\n", damaged) ==
        "-ERR [SYS/PERM] Cannot open the message\r\n-ERR [SYS/PERM] Message cannot be opened and was not "
        "deleted\r\n"
        "-ERR [SYS/PERM] Cannot open the message\r\n+OK 23 octets\r\nB: "
        "2\r\n\r\n..two\r\n\r\nlines\r\n.\r\n"
        "+OK\r\n");
}

TEST_CASE("Malformed message numbers, and numbers of no message, are refused") {
  const std::string none = "-ERR No such message\r\n";
  CHECK(after_login("RETR 0\r\nRETR 3\r\nRETR -1\r\nRETR 99999999999999999999999\r\nDELE x\r\nUIDL 3\r\n") ==
        none + none + none + none + none + none);
  CHECK(after_login("RETR\r\nRETR 1 2\r\nDELE\r\nLIST 1 2\r\n") ==
        "-ERR Message number expected\r\n-ERR Message number expected\r\n-ERR Message number "
        "expected\r\n-ERR At most one message number expected\r\n");
  CHECK(after_login("TOP 1\r\nTOP 1 x\r\nTOP 1 2 3\r\nTOP 3 1\r\n") ==
        "-ERR Message number and line count expected\r\n-ERR Message number and line count expected\r\n-ERR "
        "Message number and line count expected\r\n" +
            none);
  CHECK(after_login("LIST  1 \r\n") == "+OK 1 13\r\n");
}

TEST_CASE("Commands out of state, not offered or unknown are refused") {
  CHECK(
      before_login("STAT\r\nNOOP\r\nLAST\r\nAPOP a b\r\nXTND X\r\nHELO x\r\n\r\nPASS x\r\nUSER\r\n") ==
      "-ERR Command not allowed before login\r\n-ERR Command not allowed before login\r\n-ERR Command not "
      "supported\r\n-ERR Command not supported\r\n-ERR Command not supported\r\n-ERR Unknown command\r\n-ERR "
      "Unknown command\r\n-ERR USER command required first\r\n-ERR Missing or invalid user name\r\n");
  CHECK(after_login("USER x\r\nSTLS\r\nUTF8\r\nAUTH\r\nLAST\r\nSTAT 1\r\n") ==
        "-ERR Command not allowed after login\r\n-ERR Command not allowed after login\r\n-ERR Command not "
        "allowed after login\r\n-ERR Command not allowed after login\r\n-ERR Command not supported\r\n-ERR "
        "No argument expected\r\n");
}

TEST_CASE("UTF8 is accepted and changes nothing") {
  CHECK(before_login("UTF8\r\n" + kLogin + "RETR 1\r\n") ==
        "+OK\r\n+OK\r\n+OK 2 messages\r\n+OK 13 octets\r\nA: 1\r\n\r\none\r\n.\r\n");
}

TEST_CASE("The third malformed line closes the connection") {
  const Outcome outcome = play("CAP\0A\r\nNOOP\n\r\nUSER a\rb\r\nQUIT\r\n"s);
  CHECK(outcome.out == kGreeting +
                           "-ERR Command contains NUL\r\n-ERR Command must end with CRLF\r\n-ERR Too many "
                           "malformed commands\r\n");
  CHECK(outcome.closed);
}

TEST_CASE("A line that is too long is refused immediately and dropped") {
  CHECK(before_login("USER " + std::string(5000, 'a') + "\r\nUTF8\r\n") ==
        "-ERR Command line too long\r\n+OK\r\n");
}

TEST_CASE("STLS resets the session") {
  Options plain = within_tls();
  plain.tls = false;
  Session session(plain);
  Drive drive;
  drive.run(session);
  session.receive(as_bytes("STLS\r\n"));
  drive.run(session);
  CHECK(drive.tls_starts == 1);
  drive.out.clear();
  session.receive(as_bytes("STLS\r\n" + kLogin));
  drive.run(session);
  CHECK(drive.out == "-ERR TLS is already active\r\n+OK\r\n+OK 2 messages\r\n");
}

TEST_CASE("Data after STLS in the same piece ends the session unread") {
  Options plain = within_tls();
  plain.tls = false;
  plain.allow_plaintext = true;
  Session session(plain);
  Drive drive;
  session.receive(as_bytes("STLS\r\n" + kLogin));
  drive.run(session);
  CHECK(drive.out == kGreeting + "-ERR Commands may not be pipelined after STLS\r\n");
  CHECK(drive.closed);
  CHECK(drive.tls_starts == 0);
}

TEST_CASE("STLS without a certificate is refused") {
  Options plain = within_tls();
  plain.tls = false;
  plain.tls_available = false;
  CHECK(before_login("STLS\r\n", plain) == "-ERR TLS is not available\r\n");
}

TEST_CASE("An event that awaits its answer is returned again") {
  Session session(within_tls());
  session.receive(as_bytes(kLogin));
  CHECK(std::holds_alternative<Login>(session.next_event()));
  CHECK(std::get<Login>(session.next_event()).user == "joe");
}

TEST_CASE("A list of 100,000 messages is sent in bounded pieces") {
  Drive drive;
  drive.mails.assign(100'000, "x\r\n");
  Session session(within_tls());
  session.receive(as_bytes(kLogin + "UIDL\r\nLIST\r\nSTAT\r\n"));
  drive.run(session);
  CHECK(drive.most_output < (64U << 10) + 128);
  CHECK(drive.out.size() > 4'000'000);
  CHECK(drive.out.ends_with("\r\n100000 3\r\n.\r\n+OK 100000 300000\r\n"));
}

TEST_CASE("Replies to many pipelined commands are sent in bounded pieces") {
  Drive drive;
  Session session(within_tls());
  std::string input = kLogin;
  for (int i = 0; i < 10'000; ++i) input += "RETR 2\r\n";
  session.receive(as_bytes(input));
  drive.run(session);
  CHECK(drive.most_output < (64U << 10) + 128);
}

TEST_CASE("A session that is closed in a message sends no final dot") {
  Session session(within_tls());
  session.receive(as_bytes(kLogin + "RETR 1\r\n"));
  Drive drive;
  CHECK(std::holds_alternative<Login>(session.next_event()));
  session.accept(drive.snapshot());
  CHECK(std::holds_alternative<Retrieve>(session.next_event()));
  session.accept();
  session.body(as_bytes("A: 1\r\n"));
  session.close();
  drive.run(session);
  CHECK(drive.out.ends_with("A: 1\r\n"));
  CHECK(drive.closed);
}

}  // namespace
}  // namespace gw::pop3

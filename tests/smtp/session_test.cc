#include "smtp/session.h"

#include <catch2/catch.hpp>
#include <string>

#include "smtp/conversation.h"

using namespace gw::smtp;
using namespace gw::smtp::test;
using namespace std::literals;

namespace {

const std::string kGreeting = "220 gw.example ESMTP gw\r\n";

Options plain() {
  Options options;
  options.host = "gw.example";
  options.max_size = 1000;
  options.max_recipients = 3;
  return options;
}

// Returns the codes after the greeting, `250` or `250 2.1.0`, separated by spaces; EHLO's as `ehlo`.
std::string codes(std::string_view output) {
  REQUIRE(output.starts_with(kGreeting));
  output.remove_prefix(kGreeting.size());
  std::string result;
  while (!output.empty()) {
    const std::string_view line = output.substr(0, output.find("\r\n"));
    output.remove_prefix(line.size() + 2);
    if (line[3] == '-') continue;
    if (!result.empty()) result += ' ';
    if (line == "250 HELP") {
      result += "ehlo";
      continue;
    }
    result += line.substr(0, 3);
    if (line.size() > 9 && line[5] == '.' && line[7] == '.') result += "/" + std::string(line.substr(4, 5));
  }
  return result;
}

// Plays `data` with every cut, and checks that all results are the same.
Transcript play_all(const Options& options, std::string_view data) {
  const Transcript whole = play(options, data, [&] { return data.size(); });
  for (std::size_t cut = 1; cut < data.size(); ++cut) {
    const Transcript other = play(options, data, [&] { return cut; });
    if (other == whole) continue;
    INFO("cut at every " << cut);
    CHECK(other.events == whole.events);
    CHECK(other.output == whole.output);
    CHECK(other.closed == whole.closed);
    break;
  }
  return whole;
}

std::string replies(std::string_view data, const Options& options = plain()) {
  return codes(play_all(options, data).output);
}

const std::string kMail = "EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n";

}  // namespace

TEST_CASE("A mail is accepted") {
  const auto seen = play_all(plain(), kMail + "DATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n");
  CHECK(seen.events == "mail a@b\nrcpt c@d\nbody Subject: x\r\n\r\n.dot\r\n\n");
  CHECK(codes(seen.output) == "ehlo 250/2.1.0 250/2.1.5 354 250/2.0.0 221/2.0.0");
  CHECK(seen.output.find("250 2.0.0 OK: stored as id\r\n") != std::string::npos);
  CHECK(seen.closed);
}

TEST_CASE("EHLO announces what is supported, and HELO nothing") {
  Options options = plain();
  CHECK(play_all(options, "EHLO c\r\n").output ==
        kGreeting +
            "250-gw.example\r\n250-PIPELINING\r\n250-SIZE "
            "1000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n"
            "250-ENHANCEDSTATUSCODES\r\n250-LIMITS RCPTMAX=3\r\n250 HELP\r\n");
  CHECK(play_all(options, "HELO c\r\n").output == kGreeting + "250 gw.example\r\n");
  options.starttls = true;
  options.announce_auth = true;
  CHECK(play_all(options, "EHLO c\r\n").output.find("STARTTLS") != std::string::npos);
  CHECK(play_all(options, "EHLO c\r\n").output.find("AUTH") == std::string::npos);
  options.tls_active = true;
  CHECK(play_all(options, "EHLO c\r\n").output.find("STARTTLS") == std::string::npos);
  CHECK(play_all(options, "EHLO c\r\n").output.find("250-AUTH PLAIN LOGIN\r\n") != std::string::npos);
}

TEST_CASE("Several mails follow each other, and RSET and EHLO discard one") {
  const auto seen = play_all(plain(),
                             "EHLO c\r\nMAIL FROM:<>\r\nRSET\r\nMAIL FROM:<1@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"
                             "one\r\n.\r\nMAIL FROM:<2@b>\r\nEHLO d\r\nMAIL FROM:<3@b>\r\nRCPT TO:<c@d>\r\n"
                             "DATA\r\n.\r\nRSET\r\n");
  CHECK(seen.events ==
        "mail \naborted\nmail 1@b\nrcpt c@d\nbody one\r\n\nmail 2@b\naborted\nmail 3@b\nrcpt c@d\nbody \n");
}

TEST_CASE("Commands out of order are refused") {
  CHECK(replies("MAIL FROM:<>\r\n") == "503/5.5.1");
  CHECK(replies("EHLO c\r\nRCPT TO:<a@b>\r\nDATA\r\n") == "ehlo 503/5.5.1 503/5.5.1");
  CHECK(replies("EHLO c\r\nMAIL FROM:<>\r\nMAIL FROM:<>\r\nDATA\r\n") ==
        "ehlo 250/2.1.0 503/5.5.1 503/5.5.1");
}

TEST_CASE("DATA without a recipient is refused, temporarily if a recipient was") {
  CHECK(replies("EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<no@d>\r\nDATA\r\n") ==
        "ehlo 250/2.1.0 550/5.1.1 503/5.5.1");
  CHECK(replies("EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<no@d>\r\nRCPT TO:<later@d>\r\nDATA\r\n") ==
        "ehlo 250/2.1.0 550/5.1.1 451/4.3.0 451/4.3.0");
}

TEST_CASE("Recipients over the limit are refused and the others stay accepted") {
  CHECK(
      replies("EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<1@d>\r\nRCPT TO:<2@d>\r\nRCPT TO:<3@d>\r\nRCPT TO:<4@d>\r\n"
              "DATA\r\n.\r\n") == "ehlo 250/2.1.0 250/2.1.5 250/2.1.5 250/2.1.5 452/4.5.3 354 250/2.0.0");
}

TEST_CASE("Unknown verbs, verbs that are not offered, and those that always work") {
  CHECK(replies("FROB\r\n\r\nEXPN a\r\nETRN a\r\nTURN\r\nNOOP a b\r\nVRFY "
                "a\r\nVRFY\r\nHELP\r\nRSET\r\nSTARTTLS\r\n") ==
        "500/5.5.1 500/5.5.1 502/5.5.1 502/5.5.1 502/5.5.1 250/2.0.0 252/2.5.0 501/5.5.4 214/2.0.0 250/2.0.0 "
        "502/5.5.1");
  CHECK(replies("EHLO\r\nRSET a\r\nQUIT a\r\nQUIT\r\n") == "501/5.5.4 501/5.5.4 501/5.5.4 221/2.0.0");
}

TEST_CASE("Bad lines are answered immediately, and the third ends the connection") {
  CHECK(replies("NOOP\0\r\nNOOP\r\n"sv) == "500/5.5.2 250/2.0.0");
  CHECK(replies(std::string(3000, 'x') + "\r\nNOOP\r\n") == "500/5.5.2 250/2.0.0");
  CHECK(replies(std::string(3000, 'x')) == "500/5.5.2");
  CHECK(replies("EHLO c\nMAIL FROM:<>\r\nNOOP\r\n") == "500/5.5.2 250/2.0.0");
  CHECK(replies("NOOP\rX") == "500/5.5.2");
  const auto seen = play_all(plain(), "a\nb\nc\nd\nNOOP\r\n");
  CHECK(codes(seen.output) == "500/5.5.2 500/5.5.2 421/4.7.0");
  CHECK(seen.closed);
}

TEST_CASE("Clients of other protocols are disconnected") {
  for (const std::string_view other : {"GET / HTTP/1.1\r\nHost: a\r\n\r\n"sv, "POST /x HTTP/1.1\nHost: a\n"sv,
                                       "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"sv}) {
    const auto seen = play_all(plain(), other);
    CHECK(codes(seen.output) == "421/4.7.0");
    CHECK(seen.closed);
  }
}

TEST_CASE("Data before the greeting ends the session") {
  Session session(plain());
  const std::string early = "EHLO c\r\n";
  session.receive(gw::as_bytes(early));
  CHECK(std::holds_alternative<Closed>(session.next_event()));
  CHECK(session.take_output().starts_with("421 4.7.0 "));
}

TEST_CASE("A message over the limit is read to its end and refused, and the connection goes on") {
  const std::string large = std::string(1500, 'x') + "\r\n";
  const auto seen = play_all(plain(), kMail + "DATA\r\n" + large + ".\r\nNOOP\r\n");
  CHECK(codes(seen.output) == "ehlo 250/2.1.0 250/2.1.5 354 552/5.3.4 250/2.0.0");
  CHECK(seen.events == "mail a@b\nrcpt c@d\naborted\n");
  CHECK(replies("EHLO c\r\nMAIL FROM:<> SIZE=1001\r\nMAIL FROM:<> SIZE=1000\r\n") ==
        "ehlo 552/5.3.4 250/2.1.0");
  // A message of exactly the limit is accepted.
  CHECK(replies(kMail + "DATA\r\n" + std::string(998, 'x') + "\r\n.\r\n") ==
        "ehlo 250/2.1.0 250/2.1.5 354 250/2.0.0");
}

TEST_CASE("If a driver fails while the message streams, the reply at its end says so") {
  const auto seen = play_all(plain(), kMail + "DATA\r\nfail\r\nmore\r\n.\r\nNOOP\r\n");
  CHECK(codes(seen.output) == "ehlo 250/2.1.0 250/2.1.5 354 452/4.3.1 250/2.0.0");
  CHECK(seen.events == "mail a@b\nrcpt c@d\nfailed\n");
  CHECK(replies(kMail + "DATA\r\nlater\r\n.\r\nNOOP\r\n") ==
        "ehlo 250/2.1.0 250/2.1.5 354 451/4.3.0 250/2.0.0");
}

TEST_CASE("Unusual line endings, NUL and 8-bit bytes are content") {
  const std::string content = "a\nb\rc\0\xff\r\n\n.\n\r.\r\n"s;
  const auto seen = play_all(plain(), kMail + "DATA\r\n" + content + ".\r\n");
  CHECK(seen.events == "mail a@b\nrcpt c@d\nbody " + content + "\n");
}

TEST_CASE("Bare CR and LF are refused if the options say so") {
  Options options = plain();
  options.reject_bare_newline = true;
  for (const char* content : {"a\nb\r\n", "a\rb\r\n", "\r\r\n", "\n\r\n"})
    CHECK(replies(kMail + "DATA\r\n" + content + ".\r\nNOOP\r\n", options) ==
          "ehlo 250/2.1.0 250/2.1.5 354 550/5.5.2 250/2.0.0");
  CHECK(replies(kMail + "BDAT 2 LAST\r\na\rNOOP\r\n", options) ==
        "ehlo 250/2.1.0 250/2.1.5 550/5.5.2 250/2.0.0");
  CHECK(replies(kMail + "DATA\r\na\r\n\r\nb\r\n.\r\n", options) == "ehlo 250/2.1.0 250/2.1.5 354 250/2.0.0");
}

TEST_CASE("BDAT accepts a message in chunks, unchanged") {
  const auto seen =
      play_all(plain(), kMail + "BDAT 4\r\na\r\n.BDAT 3\r\n\r\n.BDAT 0\r\nBDAT 2 LAST\r\n\r\nNOOP\r\n");
  CHECK(seen.events == "mail a@b\nrcpt c@d\nbody a\r\n.\r\n.\r\n\n");
  CHECK(codes(seen.output) == "ehlo 250/2.1.0 250/2.1.5 250/2.0.0 250/2.0.0 250/2.0.0 250/2.0.0 250/2.0.0");
  CHECK(play_all(plain(), kMail + "BDAT 1\r\nxBDAT 0 LAST\r\n").events == "mail a@b\nrcpt c@d\nbody x\n");
  CHECK(play_all(plain(), kMail + "BDAT 0 LAST\r\n").events == "mail a@b\nrcpt c@d\nbody \n");
}

TEST_CASE("The data of a refused BDAT is never executed as commands") {
  CHECK(replies("EHLO c\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n") == "ehlo 503/5.5.1 250/2.0.0");
  CHECK(
      replies(
          "EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<no@d>\r\nBDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n") ==
      "ehlo 250/2.1.0 550/5.1.1 503/5.5.1 503/5.5.1 250/2.0.0");
  CHECK(replies("EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<later@d>\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n") ==
        "ehlo 250/2.1.0 451/4.3.0 451/4.3.0 250/2.0.0");
  CHECK(replies("EHLO c\r\nBDAT x\r\nNOOP\r\n") == "ehlo 501/5.5.4 250/2.0.0");
}

TEST_CASE("Chunks after a failed one get the same reply, until the mail ends") {
  const std::string chunk = "BDAT 600\r\n" + std::string(600, 'x');
  const auto seen =
      play_all(plain(), kMail + chunk + chunk + chunk + "BDAT 2 LAST\r\nxx" + "BDAT 1\r\nxNOOP\r\n");
  CHECK(codes(seen.output) ==
        "ehlo 250/2.1.0 250/2.1.5 250/2.0.0 552/5.3.4 552/5.3.4 552/5.3.4 503/5.5.1 250/2.0.0");
  CHECK(seen.events == "mail a@b\nrcpt c@d\naborted\n");
  CHECK(replies(kMail + "BDAT 4\r\nfailRSET\r\nMAIL FROM:<>\r\n") ==
        "ehlo 250/2.1.0 250/2.1.5 452/4.3.1 250/2.0.0 250/2.1.0");
  CHECK(replies(kMail + "BDAT 4\r\nfailMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nBDAT 1 LAST\r\nx") ==
        "ehlo 250/2.1.0 250/2.1.5 452/4.3.1 250/2.1.0 250/2.1.5 250/2.0.0");
}

TEST_CASE("DATA and RCPT after BDAT are out of order") {
  CHECK(replies(kMail + "BDAT 1\r\nxDATA\r\nRCPT TO:<e@f>\r\nBDAT 0 LAST\r\n") ==
        "ehlo 250/2.1.0 250/2.1.5 250/2.0.0 503/5.5.1 503/5.5.1 250/2.0.0");
}

TEST_CASE("The first of several errors of a body counts, however the input is cut") {
  Options options = plain();
  options.max_size = 20;
  options.reject_bare_newline = true;
  const std::string start = "EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n";
  const std::string end = "\r\n.\r\nQUIT\r\n";
  const std::string taken = "ehlo 250/2.1.0 250/2.1.5 354 ";
  CHECK(replies(start + "lone\nand then far too long a line" + end, options) ==
        taken + "550/5.5.2 221/2.0.0");
  CHECK(replies(start + "far too long a line, then\nalone" + end, options) == taken + "552/5.3.4 221/2.0.0");
  CHECK(replies(start + "fail\nthen far too long a line" + end, options) == taken + "452/4.3.1 221/2.0.0");
}

TEST_CASE("A client that disconnects in the middle of a mail aborts it") {
  CHECK(play_all(plain(), kMail + "DATA\r\nhalf").events == "mail a@b\nrcpt c@d\naborted\n");
  CHECK(play_all(plain(), kMail + "DATA\r\nhalf\r\n.").events == "mail a@b\nrcpt c@d\naborted\n");
  CHECK(play_all(plain(), kMail + "BDAT 10 LAST\r\nhalf").events == "mail a@b\nrcpt c@d\naborted\n");
  CHECK(play_all(plain(), kMail + "QUIT\r\n").events == "mail a@b\nrcpt c@d\naborted\n");
}

TEST_CASE("STARTTLS resets the session") {
  Options options = plain();
  options.starttls = true;
  Conversation conversation(options);
  conversation.send("EHLO c\r\n");
  conversation.send("STARTTLS\r\n");
  conversation.send("MAIL FROM:<>\r\n");
  conversation.send("STARTTLS\r\n");
  CHECK(codes(conversation.seen().output) == "ehlo 220/2.0.0 503/5.5.1 503/5.5.1");
}

TEST_CASE("Data after STARTTLS ends the session and is not read") {
  Options options = plain();
  options.starttls = true;
  const std::string data = "EHLO c\r\nSTARTTLS\r\nNOOP\r\n";
  const auto seen = play(options, data, [&] { return data.size(); });
  CHECK(codes(seen.output) == "ehlo 503/5.5.1");
  CHECK(seen.events.empty());
  CHECK(seen.closed);

  Session session(options);
  session.greet();
  session.receive(gw::as_bytes("STARTTLS\r\n"));
  REQUIRE(std::holds_alternative<StartTls>(session.next_event()));
  session.receive(gw::as_bytes("NOOP\r\n"));
  CHECK(std::holds_alternative<Closed>(session.next_event()));
}

TEST_CASE("If TLS is required, only the commands that lead to it work before it") {
  Options options = plain();
  options.starttls = true;
  options.require_tls = true;
  CHECK(replies(
            "EHLO c\r\nNOOP\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\nBDAT 6 LAST\r\nQUIT\r\nAUTH PLAIN\r\n"
            "QUIT\r\n",
            options) == "ehlo 250/2.0.0 530/5.7.0 530/5.7.0 530/5.7.0 530/5.7.0 530/5.7.0 221/2.0.0");
}

TEST_CASE("A command that needs TLS is refused temporarily if the server has no certificate to offer") {
  Options options = plain();
  options.require_tls = true;
  CHECK(replies("EHLO c\r\nMAIL FROM:<>\r\nBDAT 6 LAST\r\nQUIT\r\n", options) ==
        "ehlo 454/4.7.0 454/4.7.0");  // no certificate
  options.starttls = true;
  options.announce_auth = true;
  Session session(options);
  session.greet();
  const auto say = [&](std::string_view line) {
    session.receive(gw::as_bytes(line));
    return session.next_event();
  };
  CHECK(std::holds_alternative<NeedInput>(say("EHLO c\r\n")));
  CHECK(session.without_tls() == Refusal::TlsRequired);
  REQUIRE(std::holds_alternative<StartTls>(say("STARTTLS\r\n")));
  session.refuse(Refusal::TlsUnavailable);
  CHECK(std::holds_alternative<NeedInput>(session.next_event()));
  CHECK(session.without_tls() == Refusal::TlsUnavailable);
  (void)session.take_output();
  (void)say("MAIL FROM:<>\r\nAUTH PLAIN AGEAYg==\r\n");
  const std::string output = session.take_output();
  const std::string unavailable = reply(Refusal::TlsUnavailable).wire();
  CHECK(output == unavailable + unavailable);
}

TEST_CASE("An AUTH that failed for an internal error is remembered until one succeeds") {
  Options options = plain();
  options.announce_auth = options.tls_active = true;
  Session session(options);
  session.greet();
  const auto authenticate = [&](Refusal refusal) {
    session.receive(gw::as_bytes("AUTH PLAIN AGEAYg==\r\n"));
    REQUIRE(std::holds_alternative<AuthStart>(session.next_event()));
    refusal == Refusal::AuthRequired ? session.accept() : session.refuse(refusal);
    (void)session.next_event();
    return session.auth_trouble();
  };
  session.receive(gw::as_bytes("EHLO c\r\n"));
  (void)session.next_event();
  CHECK_FALSE(session.auth_trouble());
  CHECK_FALSE(authenticate(Refusal::WrongCredentials));
  CHECK(authenticate(Refusal::AuthUnavailable));
  CHECK(authenticate(Refusal::WrongCredentials));
  CHECK_FALSE(authenticate(Refusal::AuthRequired));  // accepted
}

TEST_CASE("AUTH works within TLS only, and only if it is announced") {
  Options options = plain();
  options.announce_auth = true;
  CHECK(replies("EHLO c\r\nAUTH PLAIN eWVz\r\n", options) == "ehlo 530/5.7.0");
  options.tls_active = true;
  CHECK(replies("AUTH PLAIN eWVz\r\n", options) == "503/5.5.1");
  CHECK(replies("HELO c\r\nAUTH PLAIN eWVz\r\n", options) == "250 503/5.5.1");
  CHECK(replies("EHLO c\r\nAUTH CRAM-MD5\r\nAUTH\r\nAUTH PLAIN eWVz\r\nAUTH PLAIN eWVz\r\n", options) ==
        "ehlo 504/5.5.4 501/5.5.4 235/2.7.0 503/5.5.1");
  CHECK(replies("EHLO c\r\nAUTH LOGIN\r\neWVz\r\nMAIL FROM:<>\r\n", options) ==
        "ehlo 334 235/2.7.0 250/2.1.0");
  CHECK(replies("EHLO c\r\nAUTH PLAIN\r\n*\r\nNOOP\r\n", options) == "ehlo 334 501/5.7.0 250/2.0.0");
  CHECK(replies("EHLO c\r\nAUTH PLAIN\r\n\nx\r\nNOOP\r\n", options) == "ehlo 334 500/5.5.2 250/2.0.0");
  options.announce_auth = false;
  CHECK(replies("EHLO c\r\nAUTH PLAIN eWVz\r\n", options) == "ehlo 502/5.5.1");
}

TEST_CASE("If the driver is asked, each EHLO announces AUTH or not by its answer") {
  Options options = plain();
  options.ask_auth = true;
  CHECK(replies("EHLO c\r\nAUTH PLAIN eWVz\r\n", options) == "ehlo 530/5.7.0");
  options.tls_active = true;
  CHECK(replies("AUTH PLAIN eWVz\r\n", options) == "503/5.5.1");
  CHECK(replies("EHLO c\r\nAUTH PLAIN eWVz\r\n", options) == "ehlo 235/2.7.0");
  CHECK(replies("EHLO nobody\r\nAUTH PLAIN eWVz\r\nEHLO c\r\nAUTH PLAIN eWVz\r\n", options) ==
        "ehlo 502/5.5.1 ehlo 235/2.7.0");
  CHECK(replies("EHLO c\r\nEHLO nobody\r\nAUTH PLAIN eWVz\r\n", options) == "ehlo ehlo 502/5.5.1");
  Conversation conversation(options);
  conversation.send("EHLO c\r\nMAIL FROM:<>\r\nEHLO nobody\r\n");
  CHECK(conversation.seen().events == "auth-offer\nmail \naborted\nauth-offer\n");
  CHECK(conversation.seen().output.find("250-AUTH PLAIN LOGIN") <
        conversation.seen().output.find("250 2.1.0"));
  CHECK(conversation.seen().output.rfind("AUTH") < conversation.seen().output.find("250 2.1.0"));
}

TEST_CASE("A line of an exchange may be longer than a command") {
  Options options = plain();
  options.announce_auth = options.tls_active = true;
  options.max_line = 100;
  const std::string most(12'288, 'x');
  Conversation conversation(options);
  conversation.send("EHLO c\r\nAUTH PLAIN\r\n" + most + "\r\nAUTH PLAIN\r\nx" + most + "\r\n" + most +
                    "\r\nNOOP\r\n");
  CHECK(codes(conversation.seen().output) == "ehlo 334 535/5.7.8 334 500/5.5.2 500/5.5.2 250/2.0.0");
}

TEST_CASE("The third wrong AUTH ends the connection") {
  Options options = plain();
  options.announce_auth = options.tls_active = true;
  CHECK(replies("EHLO c\r\nAUTH PLAIN bm8=\r\nAUTH PLAIN bm8=\r\nAUTH PLAIN bm8=\r\nNOOP\r\n", options) ==
        "ehlo 535/5.7.8 535/5.7.8 421/4.7.0");
}

TEST_CASE("The driver can end the session at any time") {
  Conversation conversation(plain());
  conversation.send(kMail + "DATA\r\nhalf");
  conversation.session().close(Refusal::Stopping);
  CHECK(std::holds_alternative<Closed>(conversation.session().next_event()));
  CHECK(conversation.session().take_output() == "421 4.3.2 Service shutting down\r\n");
}

TEST_CASE("An event that awaits an answer is kept") {
  Session session(plain());
  session.greet();
  const std::string data = "EHLO c\r\nMAIL FROM:<a@b>\r\n";
  session.receive(gw::as_bytes(data));
  CHECK(std::get<MailFrom>(session.next_event()).address == "a@b");
  CHECK(std::get<MailFrom>(session.next_event()).address == "a@b");
  session.refuse(Refusal::StoreTrouble);
  CHECK(std::holds_alternative<NeedInput>(session.next_event()));
}

TEST_CASE("5xx replies are counted") {
  Conversation conversation(plain());
  conversation.send(
      "FROB\r\nEHLO c\r\nRCPT TO:<a@b>\r\nMAIL FROM:<>\r\nRCPT TO:<later@b>\r\nRCPT TO:<no@b>\r\n");
  CHECK(conversation.session().replies().refused == 3);
}

TEST_CASE("EHLO announces what its driver offers, and nothing else is accepted") {
  Options options;
  options.host = "gw.example";
  options.chunking = options.eight_bit = options.smtputf8 = options.enhanced_codes = options.limits = false;
  options.dsn = options.announce_auth = options.tls_active = options.ask_data = true;
  options.max_size = 7;
  options.mechanisms = {"XOAUTH2"};
  for (const std::size_t cut : {1u, 7u, 10'000u}) {
    const Transcript seen = play(options,
                                 "EHLO x\r\nAUTH PLAIN eWVz\r\nauth xoauth2 eWVz\r\nMAIL FROM:<a@b>\r\n"
                                 "RCPT TO:<c@d>\r\nBDAT 6 LAST\r\nRSET\r\nDATA\r\nbody\r\n.\r\nQUIT\r\n",
                                 [&] { return cut; });
    CHECK(seen.events == "auth xoauth2\nmail a@b\nrcpt c@d\ndata\nbody body\r\n\n");
    CHECK(seen.output.find(
              "250-gw.example\r\n250-PIPELINING\r\n250-SIZE 7\r\n250-DSN\r\n250-AUTH XOAUTH2\r\n250 "
              "HELP\r\n504 ") != std::string::npos);
    CHECK(seen.output.find("502 5.5.1 Command not implemented\r\n354 upstream waits\r\n250 ") !=
          std::string::npos);
  }
}

TEST_CASE("DATA that is refused leaves the transaction unchanged") {
  Options options;
  options.ask_data = true;
  Conversation conversation(options);
  conversation.send("EHLO nobody\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nRCPT TO:<e@f>\r\n");
  CHECK(conversation.seen().events == "mail a@b\nrcpt c@d\ndata\nrcpt e@f\n");
  CHECK(conversation.seen().output.find("451 4.4.1 ") != std::string::npos);
}

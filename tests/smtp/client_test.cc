#include "smtp/client.h"

#include <catch2/catch.hpp>

using namespace gw;
using namespace gw::smtp;
using namespace std::literals;

namespace {

// Returns what a client reads from `data` in pieces of `cut` bytes: each reply as `code line|line`, and how
// it ended. If `asked` is more than 1, a command follows each reply.
std::string replies_to(std::string_view data, std::size_t cut, int asked = 1) {
  Client client;
  std::string all;
  for (;;) {
    const Client::Event& event = client.next_event();
    if (const auto* answer = std::get_if<Client::Answer>(&event)) {
      all += std::to_string(answer->reply.code);
      for (const std::string& line : answer->reply.lines) all += "|" + line;
      all += "\n";
      if (--asked > 0) client.expect();
    } else if (const auto* broken = std::get_if<Client::Broken>(&event)) {
      return all + "<" + broken->reason + ">";
    } else if (std::holds_alternative<Client::Idle>(event) && data.empty()) {
      return all + "<idle>";
    } else if (data.empty()) {
      client.receive_eof();
    } else {
      // A copy in a buffer of its own size, so that the sanitizer detects a view that is used too long.
      static Bytes piece;
      piece = to_bytes(data.substr(0, cut));
      data.remove_prefix(piece.size());
      client.receive(piece);
    }
  }
}

Reply reply_of(std::initializer_list<std::string> lines) {
  Reply reply;
  reply.code = 250;
  reply.lines = lines;
  return reply;
}

}  // namespace

TEST_CASE("a reply is its code and its lines, however it is cut") {
  for (const std::size_t cut : {1u, 7u, 100'000u}) {
    CHECK(replies_to("220 hello\r\n", cut) == "220|hello\n<idle>");
    CHECK(replies_to("250-one\r\n250-\r\n250 three\r\n", cut) == "250|one||three\n<idle>");
    CHECK(replies_to("354\r\n", cut) == "354|\n<idle>");
    CHECK(replies_to("550-5.1.1 Gr\xc3\xbc\xc3\x9f"
                     "e\r\n550 5.1.1\r\n",
                     cut) ==
          "550|5.1.1 Gr\xc3\xbc\xc3\x9f"
          "e|5.1.1\n<idle>");
  }
}

TEST_CASE("a malformed or unexpected reply breaks the conversation") {
  for (const std::size_t cut : {1u, 7u, 100'000u}) {
    CAPTURE(cut);
    for (const std::string_view wrong :
         {"hello\r\n", "199 x\r\n", "600 x\r\n", "25 x\r\n", "250x\r\n", "+OK\r\n", "\r\n", "2\r\n"})
      CHECK(replies_to(wrong, cut) == "<not an SMTP reply>");
    CHECK(replies_to("250-a\r\n251 b\r\n", cut) == "<the lines of the reply have different codes>");
    CHECK(replies_to("250 a\n", cut) == "<the reply contains NUL or a bare CR or LF>");
    CHECK(replies_to("250 a\rb\r\n", cut) == "<the reply contains NUL or a bare CR or LF>");
    CHECK(replies_to("250 a\0b\r\n"sv, cut) == "<the reply contains NUL or a bare CR or LF>");
    CHECK(replies_to("250 a", cut) == "<the server closed the connection>");
    CHECK(replies_to("", cut) == "<the server closed the connection>");
    CHECK(replies_to("250 " + std::string(20'000, 'x'), cut) == "<a line of the reply is too long>");
    std::string endless;
    for (int i = 0; i < 300; ++i) endless += "250-x\r\n";
    CHECK(replies_to(endless, cut) == "<the reply is too long>");
    endless.clear();
    for (int i = 0; i < 20; ++i) endless += "250-" + std::string(10'000, 'x') + "\r\n";
    CHECK(replies_to(endless, cut) == "<the reply is too long>");
  }
  // After a reply, in the same read or in the next one.
  CHECK(replies_to("220 a\r\n250 b\r\n", 100) == "<the server sent more than one reply>");
  CHECK(replies_to("220 a\r\n250 b\r\n", 1) == "220|a\n<unexpected data from the server>");
  CHECK(replies_to("220 a\r\n250 b\r\n", 7, 2) == "220|a\n250|b\n<idle>");
}

TEST_CASE("each of several expected replies is an answer, and one more breaks the conversation") {
  const auto answers = [](std::string_view data) {
    Client client;
    client.expect(2);
    client.receive(as_bytes(data));
    std::string codes;
    while (const auto* answer = std::get_if<Client::Answer>(&client.next_event()))
      codes += std::to_string(answer->reply.code) + " ";
    return codes;
  };
  CHECK(answers("250 one\r\n550-no\r\n550 no\r\n") == "250 550 ");
  CHECK(answers("250 one\r\n250 two\r\n250 three\r\n") == "250 ");
}

TEST_CASE("EHLO's lines list what a server supports") {
  const Capabilities able = parse_capabilities(
      reply_of({"SIZE 1 STARTTLS", "size 5000", "8BITMIME", "STARTTLS", "auth plain LOGIN x-own",
                "AUTH=LOGIN NTLM", "PIPELINING", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN", "", "CHUNKING"}));
  CHECK(able.starttls);
  CHECK((able.eight_bit && able.smtputf8 && able.pipelining && able.enhanced_codes && able.dsn && able.size));
  CHECK(able.max_size == 5000);
  CHECK(able.mechanisms == std::vector<std::string>{"PLAIN", "LOGIN", "X-OWN", "NTLM"});
  const Capabilities none = parse_capabilities(reply_of({"STARTTLS"}));
  CHECK_FALSE((none.starttls || none.size || none.eight_bit));
  CHECK(parse_capabilities(reply_of({"x", "SIZE"})).max_size == 0);
  CHECK(parse_capabilities(reply_of({"x", "SIZE 99999999999999999999999"})).size);
}

TEST_CASE("an enhanced code has the class of its reply") {
  CHECK(enhanced_code(reply_of({"2.1.0 fine"})) == "2.1.0");
  CHECK(enhanced_code(reply_of({"2.1.0"})) == "2.1.0");
  for (const char* other : {"", "fine", "5.1.0 x", "2.1 x", "2.1.0.0 x", "2.1000.0 x", "2..0 x", "192.0.2.1"})
    CHECK(enhanced_code(reply_of({other})) == "");
}

TEST_CASE("commands are rebuilt without parameters that the server does not offer") {
  Capabilities able;
  const auto from = std::get<MailArguments>(
      parse_mail("FROM:<a@b> SIZE=5 BODY=8BITMIME RET=HDRS ENVID=x AUTH=<> SMTPUTF8"));
  const auto to = std::get<RcptArguments>(parse_rcpt("TO: <@r:c@d>  NOTIFY=NEVER ORCPT=rfc822;x", false));
  CHECK(from.eight_bit);
  CHECK(mail_command(from, able) == "MAIL FROM:<a@b> SMTPUTF8\r\n");
  CHECK(rcpt_command(to, able) == "RCPT TO:<c@d>\r\n");
  able.size = able.eight_bit = able.dsn = true;
  able.mechanisms = {"PLAIN"};
  CHECK(mail_command(from, able) ==
        "MAIL FROM:<a@b> SIZE=5 BODY=8BITMIME RET=HDRS ENVID=x AUTH=<> SMTPUTF8\r\n");
  CHECK(rcpt_command(to, able) == "RCPT TO:<c@d> NOTIFY=NEVER ORCPT=rfc822;x\r\n");
  CHECK(mail_command({}, able) == "MAIL FROM:<>\r\n");
}
